/** Seeds that once broke, each with what it found. They run with every set of seeds. */
export const regressions: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 0, found: "names that linking remembers lay in the clear in the store" },
  { seed: 79, found: "a device with a full disk and its sibling met and parted as fast as the network went" },
  {
    seed: 96,
    found:
      "an evicted message was listed without its conversation where the message that named it was purged",
  },
  { seed: 90, found: "one damaged device name kept the device from ever opening again" },
  {
    seed: 38,
    found: "a turn that was signed while the disk filled up was given up, and another signed at its length",
  },
  { seed: 69, found: "a batch under a head that had been passed over for another peer's broke an invariant" },
  {
    seed: 173,
    found:
      "the world did not know that a person who clears a conversation bins what was taken in as well, which the bin's end then purges",
  },
  {
    seed: 109,
    found:
      "the world's end did not wait until what a hostile member had put into the bin, in a log of one history, was on each device",
  },
  {
    seed: 233,
    found:
      "the world asked a device for its status that had room again and had not opened its store anew yet",
  },
  {
    seed: 343,
    found:
      "the world's end did not wait until a device that had taken in what a hostile member had erased was told what it was",
  },
  {
    seed: 1229,
    found:
      "the world held two devices equal that hold the same entries under two heads of a hostile member that contradict each other",
  },
  {
    seed: 730,
    found:
      "who went on asking for what nobody could answer put off the other's beat, and ended the session as silent",
  },
  {
    seed: 1498,
    found:
      "the world did not know that a clock which comes right ends a month a week earlier on its device, which then erased a large purge",
  },
  {
    seed: 1509,
    found:
      "the world kept what a device had dialled and given up during a cut, and opened all of it when the cut was over",
  },
  {
    seed: 1189,
    found:
      "a promise of what damage had just taken off the device was no answer to its ask, and so was not released while the session lasted",
  },
  {
    seed: 1277,
    found:
      "a release that came while the disk was full was lost, and its promise bound until the next session",
  },
  {
    seed: 1400,
    found:
      "an ask that came while the disk was full was never answered, so that nothing of it was released while the session lasted",
  },
  {
    seed: 1196,
    found:
      "the world's discovery asked for each missing peer by itself, where mDNS asks once in 900 ms for all of them, and the answers to that were taken for devices that never rest",
  },
  {
    seed: 896,
    found:
      "a message that another device keeps was told anew where it came back, into a view that was built again, in one batch with a damaged entry",
  },
  {
    seed: 1102,
    found:
      "a message that another device keeps was told anew where it came back, into a view that was built again, in one batch with a damaged entry",
  },
  {
    seed: 1697,
    found:
      "a promise that was written down for a session which another had replaced was told to nobody, and bound until the next one",
  },
  {
    seed: 469,
    found:
      "the world read what had been fetched back while it was being evicted again, and took the commit on its way for another text",
  },
  {
    seed: 757,
    found:
      "the world did not know that a keeper purges what it has promised, before the device that evicts it has heard of the purge",
  },
  {
    seed: 595,
    found:
      "the world held a device that had taken in erased what it was never told of against those that still waited for the tombstones",
  },
  {
    seed: 142709852,
    found:
      "the world took a program for running that had died of the last call of its start, and moved its network, which was gone",
  },
  {
    seed: 337,
    found:
      "entries under an older head were refused by a newer one that was still on its way to the disk, and asked for again as fast as the network goes",
  },
];

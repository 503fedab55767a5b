/**
 * Paths that must be met somewhere in a set of seeds, else the set has looked at nothing and counts as failed. `path` is the name under
 * which the world counts it. A register: what comes later adds its rows.
 */
export const rarePaths: readonly {
  readonly path: string;
  readonly what: string;
  /** Too rare to be asked of a smaller set. */
  readonly fromSeeds?: number;
}[] = [
  { path: "commits in flight lost", what: "a crash takes commits that were under way" },
  { path: "commits in flight survived untold", what: "a crash leaves commits that nobody was told of" },
  { path: "failed write landed", what: "a write that failed is on the disk all the same" },
  {
    path: "crash while a store is begun",
    what: "a crash while a directory holds a store that is not its device's yet",
    fromSeeds: 300,
  },
  { path: "fault disk-full", what: "a full disk" },
  { path: "alarm disk", what: "a person is told that nothing can be written" },
  { path: "start failed DISK_FULL", what: "a start on a full disk" },
  { path: "crash during link", what: "the new device dies while it joins" },
  { path: "crash while starting", what: "a device dies before its node runs" },
  { path: "join failed CODE_WRONG", what: "a wrong code" },
  { path: "join failed CODE_REFUSED", what: "a person says no" },
  { path: "linked", what: "a device joins" },
  { path: "stream half open", what: "one end of a connection knows that it broke, the other does not" },
  { path: "cut in one direction", what: "a partition in one direction" },
  { path: "piece corrupted", what: "bytes change on their way" },
  { path: "session closed bad-proof", what: "a session ends for bytes that prove nothing" },
  { path: "session closed bad-signature", what: "a session ends for a head that its author did not sign" },
  { path: "session closed unsolicited", what: "entries that nobody asked for are refused" },
  {
    path: "erasing without a purge refused",
    what: "a member says that payloads were erased, and is not believed",
  },
  { path: "hostile device joined", what: "a member that will misuse its keys" },
  { path: "alarm fork", what: "a person is told that one log has two histories" },
  { path: "fork between honest devices told", what: "two devices that were shown two histories find out" },
  {
    path: "fork of two lengths told",
    what: "two heads of different lengths that contradict each other, with the nodes that show it",
  },
  {
    path: "hostile device shown its own fork",
    what: "who shows a second history is answered with the evidence",
  },
  {
    path: "hostile device asked for what it offered",
    what: "a device asks for entries that a peer only says it has, and gets what there is of them elsewhere",
  },
  {
    path: "head far ahead taken",
    what: "a signed and proved head is adopted under which no entry ever comes",
  },
  { path: "session closed replaced", what: "two connections at once" },
  { path: "session closed silent", what: "a dead connection is given up" },
  { path: "clock ten years off", what: "a clock ten years off" },
  { path: "fault frozen-clock", what: "a clock that stands still" },
  { path: "fault move", what: "a host in another network" },
  { path: "entry damaged", what: "a flipped bit" },
  { path: "damage found by verify", what: "damage that `verify` finds" },
  { path: "damage repaired from a sibling", what: "damage that a sibling repairs" },
  { path: "unknown kind written", what: "a later version writes what this one does not know" },
  { path: "unknown kind passed on", what: "and every other device holds and counts it" },
  { path: "one backup on two devices", what: "two devices take in one archive" },
  { path: "two admissions at once", what: "two members admit devices that do not know of each other" },
  { path: "delete before its message", what: "a delete arrives before what it deletes" },
  {
    path: "operation before its message",
    what: "an edit, unsend, reaction or state arrives before its message",
  },
  { path: "two edits at once", what: "two devices edit a message, and neither has heard of the other" },
  { path: "unsend against edit", what: "one device takes a message back while another edits it" },
  { path: "purge before arrival", what: "an entry comes that a purge known here has named" },
  { path: "erased history taken in", what: "a device takes in what is already without its payload" },
  { path: "alarm large-purge", what: "a person is told that much is to be erased" },
  {
    path: "large purge approved by another device",
    what: "somebody agrees to a large purge",
    fromSeeds: 300,
  },
  { path: "large purge stopped", what: "somebody stops a large purge" },
  { path: "large purge held back to the end", what: "what nobody agreed to is still there when all is over" },
  { path: "restore against purge", what: "one device restores a message while another purges it" },
  {
    path: "late place named by a further purge",
    what: "a copy, an edit or a reaction comes after its purge",
    fromSeeds: 300,
  },
  {
    path: "missing tombstones written",
    what: "a device says what it is about to erase, since the author of the purge does not",
    fromSeeds: 300,
  },
  { path: "hostile device purges-all", what: "a member that misuses its keys wants all of it erased" },
  {
    path: "evicted against a promise",
    what: "a text leaves a disk, since another device has promised to keep it",
  },
  { path: "evicting refused nobody-online", what: "space is to be freed, and nobody is there to promise" },
  { path: "evicting refused not-promised", what: "space is to be freed, and who is there promises nothing" },
  {
    path: "evicting refused promised-to-others",
    what: "space is to be freed of what the device keeps for another one",
  },
  { path: "kept for a while only", what: "a device gets a retention, and so promises nothing" },
  { path: "fetched back", what: "what was evicted comes back" },
  { path: "fetch while the keeper is away", what: "it is asked for while nobody is there who promised it" },
  { path: "promise released", what: "what was promised is needed no more, and binds no more" },
  {
    path: "view built again without what was evicted",
    what: "a view is built anew while texts are on another device",
  },
  { path: "restore against delete", what: "one device restores a message while another deletes it" },
  { path: "reaction set and removed at once", what: "one device sets a reaction while another removes it" },
  { path: "view built while the old one served", what: "a new view built while the old one serves" },
  { path: "unknown kind folded after an upgrade", what: "a device gets the version that knows what it held" },
  { path: "stranger's stream refused PEER_CLOSED", what: "a stranger is sent away" },
  { path: "stranger wrong-account refused NOT_A_MEMBER", what: "a device of another account is sent away" },
];

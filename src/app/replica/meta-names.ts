/** Names of the small values that the replica keeps in the store. Stable: they are part of the storage format (docs/spec/storage.md). */
export const META = {
  counts: "counts",
  locked: "locked",
  controlLogs: "control-logs",
  controlLogsCopy: "control-logs-copy",
  lost: "control-lost",
  viewVersion: "view-version",
  viewBuilding: "view-building",
  acks: "acks/",
  seen: "seen/",
  since: "since/",
  addresses: "addresses/",
  nameHint: "name-hint/",
  forks: "forks",
  fork: "fork/",
  lastInSync: "last-in-sync",
  settings: "settings",
  purge: "purge/",
  timePassed: "time-passed",
  evicted: "evicted",
  unfolded: "unfolded",
  keptFor: "kept-for/",
  keptBy: "kept-by/",
  retention: "retention",
} as const;

/** No version of the view: it is being built, or is to be. */
export const VIEW_UNFINISHED = 0;

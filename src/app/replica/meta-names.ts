/** Names of the small values that the replica keeps in the store. Stable: they are part of the storage format (docs/spec/storage.md). */
export const META = {
  counts: "counts",
  locked: "locked",
  controlLogs: "control-logs",
  viewVersion: "view-version",
  acks: "acks/",
  seen: "seen/",
  since: "since/",
  addresses: "addresses/",
  nameHint: "name-hint/",
  lastInSync: "last-in-sync",
  settings: "settings",
} as const;

/** Where a device's data lies when nobody says otherwise, by the platform's convention. Part of the composition root. */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

export function defaultDirectory(): string {
  return directoryFor({ platform: process.platform, env: process.env, home: homedir() });
}

/** A variable that is empty or holds a relative path counts as unset, as the XDG specification wants it. */
export function directoryFor(machine: {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}): string {
  const { platform, env, home } = machine;
  const named = (variable: string, otherwise: string): string => {
    const path = env[variable];
    return path !== undefined && isAbsolute(path) ? path : otherwise;
  };
  switch (platform) {
    case "win32":
      return join(named("LOCALAPPDATA", join(home, "AppData", "Local")), "kinlog");
    case "darwin":
      return join(home, "Library", "Application Support", "kinlog");
    default:
      return join(named("XDG_DATA_HOME", join(home, ".local", "share")), "kinlog");
  }
}

/**
 * What a scripted device says on its standard output, a line of JSON each, after it was told that it is durable; and how it is gathered.
 * Written by programs/scripted-device.ts, held against the device by audit.ts.
 */

export type Line =
  | { readonly did: "founded"; readonly account: string }
  /** Asked for, not yet done: from here on it may be there. */
  | { readonly did: "asked"; readonly text: string }
  | { readonly did: "sent"; readonly id: string; readonly text: string }
  | { readonly did: "imported"; readonly imported: number; readonly duplicates: number }
  | { readonly did: "deleting" | "deleted" | "restoring" | "restored"; readonly id: string }
  | { readonly did: "refused"; readonly code: string }
  | { readonly did: "ended" };

export class Said {
  account: string | null = null;
  /** Text by id. */
  readonly sent = new Map<string, string>();
  readonly asked: string[] = [];
  isImported = false;
  /** By id: whether it is deleted, or "unknown" while that changes. */
  readonly deleted = new Map<string, boolean | "unknown">();
  readonly refused: string[] = [];
  hasEnded = false;

  static of(output: string): Said {
    const said = new Said();
    const lines = output.split("\n");
    // Behind the last end of line stands what a kill cut off, which nobody was told.
    for (const line of lines.slice(0, -1)) said.take(JSON.parse(line) as Line);
    return said;
  }

  take(line: Line): void {
    switch (line.did) {
      case "founded":
        this.account = line.account;
        break;
      case "asked":
        this.asked.push(line.text);
        break;
      case "sent":
        this.sent.set(line.id, line.text);
        break;
      case "imported":
        this.isImported = true;
        break;
      case "deleting":
      case "restoring":
        this.deleted.set(line.id, "unknown");
        break;
      case "deleted":
        this.deleted.set(line.id, true);
        break;
      case "restored":
        this.deleted.set(line.id, false);
        break;
      case "refused":
        this.refused.push(line.code);
        break;
      case "ended":
        this.hasEnded = true;
        break;
    }
  }

  /** How much it was told to be durable. */
  get count(): number {
    return (this.account === null ? 0 : 1) + this.sent.size + (this.isImported ? 1 : 0) + this.deleted.size;
  }
}

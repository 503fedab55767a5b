/** A small backup to import, whose messages are known by their texts. */

export const BACKUP_CONVERSATION = "+4915112345678";

export const backupText = (at: number): string => `number ${at}`;

/** In the form of "SMS Backup & Restore". */
export function smsBackup(count: number): string {
  const lines = Array.from(
    { length: count },
    (_, at) =>
      `<sms protocol="0" address="${BACKUP_CONVERSATION}" date="${1_600_000_000_000 + at * 1_000}" type="${1 + (at % 2)}" ` +
      `subject="null" body="${backupText(at)}" toa="null" sc_toa="null" service_center="null" read="1" status="-1" locked="0" />`,
  );
  const head = `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count="${count}">\n`;
  return `${head}${lines.join("\n")}\n</smses>\n`;
}

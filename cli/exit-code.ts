/** The exit codes of the contract. */
export const EXIT = { done: 0, failed: 1, usage: 2, unconfirmed: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

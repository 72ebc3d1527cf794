// What comes over the wire, as far as this extension looks at it (doc/PROTOCOL.md, src/model), and words for it.

export type State =
  | 'initializing'
  | 'queued'
  | 'running'
  | 'awaiting_input'
  | 'evaluating'
  | 'review'
  | 'failed'
  | 'interrupted'
  | 'completed';

export interface Session {
  id: string;
  name: string;
  prompt: string;
  agent: string;
  model?: string | null;
  repository: string;
  worktree: { path: string; branch: string; state: string; base: { label: string } };
  state: State;
  unread: boolean;
  attention: number;
  activity?: string | null;
  said?: string | null;
  reason?: string | null;
  turn?: { prompt: string } | null;
  queue: { id: string; text: string }[];
  policy: 'ask' | 'hold' | 'auto';
  stat: Stat;
  landing?: { state: string; onto: string } | null;
  review: { round: number; comments: number; rejected: number };
  options: Choosable[];
  terminal: boolean;
  updated_at: number;
  removed: boolean;
}

export interface Choosable {
  id: string;
  name: string;
  current: string;
  choices: { id: string; name: string }[];
}

export interface Stat {
  files: number;
  added: number;
  removed: number;
}

export interface Approval {
  id: string;
  session: string;
  kind: 'permission' | 'question';
  tool: { title: string; kind: string };
  command_line?: string | null;
  options: { id: string; name: string }[];
  asked_at: number;
}

export interface Hunk {
  id: string;
  old_start: number;
  old_lines: number;
  new_start: number;
  new_lines: number;
  lines: string[];
  decision?: 'accepted' | 'rejected' | null;
}

export interface FileDiff {
  path: string;
  old_path?: string | null;
  status: 'added' | 'deleted' | 'modified' | 'renamed' | 'type_changed';
  binary: boolean;
  added: number;
  removed: number;
  content?: string | null;
  viewed?: boolean;
  hunks?: Hunk[];
}

export type CommentKind = 'issue' | 'suggestion' | 'question' | 'nit';

export interface ReviewComment {
  id: string;
  path: string;
  side: 'new' | 'old';
  first: number;
  last: number;
  kind: CommentKind;
  text: string;
  by: string;
  round?: number | null;
  resolved: boolean;
  line?: number | null;
  outdated: boolean;
  anchor?: { round?: number };
}

export interface Review {
  round: number;
  diff: { stat: Stat; files: FileDiff[] };
  rejected: { id: string; path: string; line: number; lines: string[]; told: boolean }[];
  comments: ReviewComment[];
  message: string;
}

export interface Preflight {
  onto: string;
  ready: boolean;
  blockers: string[];
  stat: Stat;
}

export interface Step {
  name: string;
  title: string;
  commit?: string | null;
}

export interface Spend {
  tokens: number;
  usd_micros?: number | null;
  partial?: boolean;
}

export interface Batch {
  id: string;
  name: string;
  path: string;
  state: 'active' | 'paused' | 'cancelling' | 'ended';
  reason?: string | null;
  created_at: number;
  concurrency: number;
  counts: Record<BatchRun['state'], number>;
  spend: Spend;
  eta?: number | null;
  held?: string | null;
}

export interface BatchRun {
  id: string;
  number: number;
  task: string;
  agent: string;
  repetition: number;
  state: 'queued' | 'running' | 'passed' | 'failed' | 'cancelled' | 'skipped';
  reason?: string | null;
  activity?: string | null;
  attempts?: { session: string; score?: number }[];
  spend: Spend;
}

export interface Changed {
  sessions: Session[];
  events: { type: string; session?: string }[];
  whole?: boolean;
  lost?: string;
}

/** Whether it can be landed, as far as a list knows; the daemon looks again. */
export function lands(session: Session): boolean {
  return ['review', 'failed', 'interrupted'].includes(session.state) && session.stat.files > 0;
}

/** How a state is shown: the words are the daemon's (`SessionState::phrase`). `busy`: something of it runs or waits. */
export const STATES: Record<State, { icon: string; color?: string; phrase: string; busy: boolean }> = {
  initializing: { icon: 'loading~spin', phrase: 'starting', busy: true },
  queued: { icon: 'clock', phrase: 'queued', busy: true },
  running: { icon: 'sync~spin', phrase: 'running', busy: true },
  evaluating: { icon: 'beaker', phrase: 'evaluating', busy: true },
  awaiting_input: { icon: 'bell-dot', color: 'list.warningForeground', phrase: 'waits for you', busy: true },
  review: { icon: 'diff', color: 'charts.blue', phrase: 'to review', busy: false },
  failed: { icon: 'error', color: 'list.errorForeground', phrase: 'failed', busy: false },
  interrupted: { icon: 'debug-pause', phrase: 'interrupted', busy: false },
  completed: { icon: 'pass', phrase: 'done', busy: false },
};

export function shownAs(session: Session): (typeof STATES)[State] {
  // A newer daemon may know more states.
  return STATES[session.state] ?? { icon: 'question', phrase: session.state, busy: false };
}

/**
 * Text of a session on one line, for labels and messages. Control and bidirectional characters are made visible, and
 * nothing in it is a link: VS Code makes one, also one that runs a command, of `[text](target)` in a message.
 */
export function plain(text: string | null | undefined, most = 120): string {
  const line = (text ?? '')
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}')
    .replaceAll('](', '] (')
    .trim();
  const letters = [...line];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : line;
}

/** Text of several lines, without what a terminal or an editor would act on. */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, (letter) => (letter === '\r' ? '' : '\u{fffd}'));
}

export function count(number: number, one: string): string {
  return `${number} ${one}${number === 1 ? '' : 's'}`;
}

/** What something cost; empty when nobody knows. `+`: some of it is unknown. */
export function money({ usd_micros, partial }: Spend): string {
  return usd_micros ? `$${(usd_micros / 1e6).toFixed(2)}${partial ? '+' : ''}` : '';
}

export function changes(stat: Stat): string {
  return stat.files === 0 ? '' : `+${stat.added} −${stat.removed}`;
}

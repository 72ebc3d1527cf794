// Commands of the server to which this extension adds nothing but the choice of a session: they are handed on. Those it does not know
// at all, of a newer server, are handed on too, as long as that server runs.

import * as vscode from 'vscode';
import { type Given, guarded, pickSession } from './pick';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { lands, plain, type Session, shownAs } from './wire';

/** About a session: what it is asked for, and which fit. */
const ABOUT: Record<string, [verb: string, fits?: (session: Session) => boolean]> = {
  'divisi.show': ['show'],
  'divisi.timeline': ['show the timeline of'],
  'divisi.comments': ['show the comments of'],
  'divisi.diff': ['show the patch of', ({ stat }) => stat.files > 0],
  'divisi.preflight': ['look at the landing of', lands],
  'divisi.wait': ['wait for', (session) => shownAs(session).busy],
  'divisi.open': ['open'],
  'divisi.eval': ['judge', ({ stat }) => stat.files > 0],
  'divisi.eval.run': ['judge', ({ stat }) => stat.files > 0],
  'divisi.eval.list': ['show the evaluations of'],
  'divisi.eval.cancel': ['stop the evaluation of', ({ state }) => state === 'evaluating'],
  'divisi.queue': ['show the queue of', ({ queue }) => queue.length > 0],
};

/** About none, or the server asks. */
const ALONE = [
  'divisi.agents',
  'divisi.config',
  'divisi.daemon',
  'divisi.doctor',
  'divisi.doctor.fix',
  'divisi.schema',
  'divisi.trust',
];

/** Several sessions. */
const MANY: Record<string, string> = { 'divisi.compare': 'compare', 'divisi.combine': 'combine' };

/** Whether it is what a code action or a lens gives: arguments of the server's. */
function isArguments(given: unknown): boolean {
  return typeof given === 'object' ? given !== null && !('kind' in given) : given !== undefined;
}

async function pickMany(sessions: Sessions, verb: string): Promise<Session[] | undefined> {
  const items = sessions.shown
    .filter(({ stat }) => stat.files > 0)
    .map((session) => ({ label: plain(session.name, 60), description: shownAs(session).phrase, session }));
  if (items.length < 2) {
    throw new Error(`there are no two sessions with changes to ${verb}`);
  }
  const chosen = await vscode.window.showQuickPick(items, { title: `Which sessions to ${verb}?`, canPickMany: true });
  return chosen?.map(({ session }) => session);
}

/** A prompt of a queue, to change or to take back. */
async function queued(server: Server, sessions: Sessions, given: Given, edit: boolean): Promise<void> {
  const verb = edit ? 'change a prompt of' : 'take a prompt back from';
  const session = await pickSession(sessions, given, verb, ({ queue }) => queue.length > 0);
  if (!session) {
    return;
  }
  const items = session.queue.map(({ id, text }) => ({ label: plain(text), id, text }));
  if (items.length === 0) {
    throw new Error(`no prompt waits in ${plain(session.name, 60)}`);
  }
  const title = `${edit ? 'Change' : 'Take back'} which prompt of ${plain(session.name, 60)}?`;
  const chosen = await vscode.window.showQuickPick(items, { title });
  if (!chosen) {
    return;
  }
  if (!edit) {
    return server.run('divisi.queue.cancel', { session: session.id, prompt: chosen.id });
  }
  const text = await vscode.window.showInputBox({ title: 'The prompt', value: chosen.text, ignoreFocusOut: true });
  if (text?.trim()) {
    await server.run('divisi.queue.edit', { session: session.id, prompt: chosen.id, text });
  }
}

export function passOn(server: Server, sessions: Sessions): vscode.Disposable {
  const known: vscode.Disposable[] = [];
  const add = (name: string, handler: (given?: Given) => Promise<unknown> | unknown) =>
    known.push(
      vscode.commands.registerCommand(
        name,
        guarded((...given: unknown[]) =>
          isArguments(given[0]) ? server.pass(name, given) : handler(given[0] as Given),
        ),
      ),
    );
  for (const [name, [verb, fits]] of Object.entries(ABOUT)) {
    add(name, async (given) => {
      const session = await pickSession(sessions, given, verb, fits);
      return session && server.run(name, { session: session.id });
    });
  }
  for (const name of ALONE) {
    add(name, () => server.run(name, {}));
  }
  for (const [name, verb] of Object.entries(MANY)) {
    add(name, async () => {
      const chosen = await pickMany(sessions, verb);
      return chosen && server.run(name, { sessions: chosen.map(({ id }) => id) });
    });
  }
  add('divisi.queue.edit', (given) => queued(server, sessions, given, true));
  add('divisi.queue.cancel', (given) => queued(server, sessions, given, false));

  let rest: vscode.Disposable[] = [];
  const follow = async (running: boolean) => {
    rest.forEach((one) => one.dispose());
    rest = [];
    if (running) {
      const taken = new Set(await vscode.commands.getCommands(true));
      rest = server.commands
        .filter((name) => !taken.has(name))
        .map((name) =>
          vscode.commands.registerCommand(
            name,
            guarded((...given: unknown[]) => server.pass(name, given)),
          ),
        );
    }
  };
  return vscode.Disposable.from(
    ...known,
    server.onRunning((running) => void follow(running)),
    { dispose: () => rest.forEach((one) => one.dispose()) },
  );
}

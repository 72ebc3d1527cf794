// Which session a command is about: the row it was chosen on, the file that is open, the only one, or one that is asked for.

import * as vscode from 'vscode';
import type { Sessions } from './sessions';
import type { Row } from './tree';
import { plain, type Session, shownAs } from './wire';

/** Context key: the active editor shows a file of a session. */
export const HERE = 'divisi.here';

/** What a command is given: a row of the tree, the arguments of a link or of a code lens, or nothing. */
export type Given = Row | { session?: string } | string | undefined;

/** What a command does. VS Code hands it whatever its caller gave. */
export type Handler = (...given: any[]) => Promise<unknown> | unknown;

/** Runs what a command does; its failure is said. */
export type Guard = (handler: Handler) => Handler;

/** Says a failure in one sentence. */
export const guarded: Guard =
  (handler) =>
  async (...given) => {
    try {
      return await handler(...given);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(`divisi: ${plain(words, 400)}`);
      return undefined;
    }
  };

function named(sessions: Sessions, given: Given): Session | undefined {
  if (typeof given === 'string') {
    return sessions.get(given) ?? sessions.shown.find(({ name }) => name === given);
  }
  if (!given) {
    return undefined;
  }
  if ('kind' in given) {
    return sessions.get(given.kind === 'approval' ? given.approval.session : given.id);
  }
  return given.session === undefined ? undefined : named(sessions, given.session);
}

export async function pickSession(
  sessions: Sessions,
  given: Given,
  verb: string,
  fits: (session: Session) => boolean = () => true,
): Promise<Session | undefined> {
  const known = named(sessions, given);
  if (known) {
    return known;
  }
  const editor = vscode.window.activeTextEditor;
  const here = editor && sessions.at(editor.document.uri)?.session;
  if (here && fits(here)) {
    return here;
  }
  const fitting = sessions.shown.filter(fits);
  if (fitting.length === 0) {
    throw new Error(`there is no session to ${verb}`);
  }
  if (fitting.length === 1) {
    return fitting[0];
  }
  const items = fitting.map((session) => ({
    label: `$(${shownAs(session).icon}) ${plain(session.name, 60)}`,
    description: shownAs(session).phrase,
    detail: plain(session.prompt, 120),
    session,
  }));
  return (await vscode.window.showQuickPick(items, { title: `Which session to ${verb}?`, matchOnDetail: true }))
    ?.session;
}

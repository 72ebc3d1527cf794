// What came of landings, with the next step at hand.

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { count, plain } from './wire';

interface Landed {
  type: string;
  session?: string;
  payload?: { state?: string; commit?: string; checkout?: string; reason?: string; paths?: string[] };
}

export function tellLandings(server: Server, sessions: Sessions): vscode.Disposable {
  return server.onChanged(({ events }) => {
    for (const { type, session, payload } of events as Landed[]) {
      const view = session === undefined ? undefined : sessions.get(session);
      if (type !== 'landing.changed' || !view || !sessions.shown.includes(view)) {
        continue;
      }
      const name = plain(view.name, 60);
      const onto = plain(view.landing?.onto.replace('refs/heads/', ''), 60);
      switch (payload?.state) {
        case 'completed': {
          const words = [
            `${name} landed on ${onto} as ${plain(payload.commit?.slice(0, 10))}`,
            plain(payload.checkout, 200),
          ];
          void vscode.window.showInformationMessage(words.filter((word) => word !== '').join('; '));
          break;
        }
        case 'failed':
          void vscode.window.showErrorMessage(`${name} did not land: ${plain(payload.reason, 300)}`);
          break;
        case 'conflicted':
          void conflicted(view.id, `${name} conflicts with ${onto} in ${count(payload.paths?.length ?? 0, 'file')}`);
          break;
      }
    }
  });
}

async function conflicted(session: string, words: string): Promise<void> {
  const verbs: Record<string, string> = {
    'Open the Worktree': 'divisi.worktree.open',
    'Go On': 'divisi.land.continue',
    'Give Up': 'divisi.land.abort',
  };
  const chosen = await vscode.window.showWarningMessage(
    `${words}. Resolve them in the session's worktree, then go on.`,
    ...Object.keys(verbs),
  );
  const verb = chosen && verbs[chosen];
  if (verb) {
    await vscode.commands.executeCommand(verb, { session });
  }
}

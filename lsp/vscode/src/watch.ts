// Open files in worktrees are watched one by one: an editor shall show what a decision or an agent made of its file.
// VS Code watches a workspace's folders as a whole, but does not hear of folders that were made, as git makes a worktree's, within one
// that is new itself; what is open there stayed as it was.

import * as vscode from 'vscode';
import type { Sessions } from './sessions';

export function watchOpenFiles(sessions: Sessions): vscode.Disposable {
  const watched = new Map<string, vscode.Disposable>();
  const look = () => {
    const open = vscode.workspace.textDocuments.filter(({ uri }) => sessions.at(uri));
    const wanted = new Map(open.map(({ uri }) => [uri.toString(), uri]));
    for (const [name, watcher] of watched) {
      if (!wanted.has(name)) {
        watcher.dispose();
        watched.delete(name);
      }
    }
    for (const [name, uri] of wanted) {
      if (!watched.has(name)) {
        // What happens to it is VS Code's to act on. Without `**` the request counts as answered by the workspace's own watcher.
        const pattern = new vscode.RelativePattern(uri, '**');
        watched.set(name, vscode.workspace.createFileSystemWatcher(pattern));
      }
    }
  };
  look();
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidCloseTextDocument(look),
    sessions.onNews(look),
    { dispose: () => vscode.Disposable.from(...watched.values()).dispose() },
  );
}

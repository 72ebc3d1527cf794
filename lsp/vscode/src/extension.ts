// divisi in VS Code: sessions of coding agents in worktrees of their own, watched, answered, reviewed and landed from here.

import * as vscode from 'vscode';
import { Approvals } from './approvals';
import { Batches } from './batches';
import { Batching } from './batching';
import { buildProgram, findProgram, offerProgram } from './binary';
import { registerCommands } from './commands';
import { Comments } from './comments';
import { tellLandings } from './landings';
import { passOn } from './passed';
import { readTranscripts } from './reading';
import { Reviewing } from './review';
import { Reviews } from './reviews';
import { Server } from './server';
import { Sessions } from './sessions';
import { Status } from './status';
import { followTranscripts } from './transcript';
import { Tests } from './tests';
import { Tree } from './tree';
import { watchOpenFiles } from './watch';
import { plain } from './wire';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('divisi', { log: true });
  const server = new Server(log);
  const sessions = new Sessions(server);
  const reviews = new Reviews(server, sessions);
  const tree = new Tree(sessions, reviews);
  const view = vscode.window.createTreeView('divisi.view', {
    treeDataProvider: tree,
    manageCheckboxStateManually: true,
  });
  const batches = new Batches(server, sessions);
  const reviewing = new Reviewing(server, sessions, reviews);
  const approvals = new Approvals(server, sessions);
  let program: string | undefined;

  /** Starts the server, and says what to do when that cannot be. */
  const start = async (): Promise<void> => {
    program = await findProgram();
    await vscode.commands.executeCommand('setContext', 'divisi.missing', program === undefined);
    if (program === undefined) {
      await server.stop();
      // Not waited for: the question may stay open for long.
      void offerProgram().then((built) => (built ? restart() : undefined));
      return;
    }
    try {
      await server.start(program, vscode.workspace.getConfiguration('divisi').get<string[]>('args', []));
    } catch (error) {
      const words = plain(error instanceof Error ? error.message : String(error), 300);
      const show = 'Show the Log';
      void vscode.window
        .showErrorMessage(`divisi: ${program} does not start: ${words}`, show)
        .then((chosen) => (chosen === show ? log.show() : undefined));
    }
  };
  const restart = (): Promise<void> => {
    const starting = start();
    server.expect(starting);
    return starting;
  };

  let offered = '';
  const badge = () => {
    const waiting = sessions.approvals.length;
    // What the palette offers: nothing that could only fail.
    const some = [sessions.shown.length > 0, waiting > 0];
    if (some.join() !== offered) {
      offered = some.join();
      void vscode.commands.executeCommand('setContext', 'divisi.sessions', some[0]);
      void vscode.commands.executeCommand('setContext', 'divisi.asks', some[1]);
    }
    view.badge = waiting > 0 ? { value: waiting, tooltip: `${waiting} wait for an answer` } : undefined;
  };
  const setting = (event: vscode.ConfigurationChangeEvent) => {
    if (event.affectsConfiguration('divisi.path') || event.affectsConfiguration('divisi.args')) {
      void restart();
    }
  };
  context.subscriptions.push(
    log,
    server,
    sessions,
    reviews,
    tree,
    view,
    approvals,
    new Status(server, sessions),
    new Comments(server, sessions, reviews),
    new Tests(server, log),
    batches,
    vscode.window.createTreeView('divisi.batches', { treeDataProvider: batches }),
    new Batching(server, batches),
    reviewing.follow(),
    followTranscripts(),
    readTranscripts(sessions),
    watchOpenFiles(sessions),
    tellLandings(server, sessions),
    sessions.onNews(badge),
    server.onRunning((running) => void vscode.commands.executeCommand('setContext', 'divisi.running', running)),
    registerCommands({ server, sessions, reviewing, approvals, view, program: () => program }),
    passOn(server, sessions),
    vscode.commands.registerCommand('divisi.restart', restart),
    vscode.commands.registerCommand('divisi.build', async () => ((await buildProgram()) ? restart() : undefined)),
    vscode.commands.registerCommand('divisi.output', () => log.show()),
    vscode.workspace.onDidChangeConfiguration(setting),
    vscode.workspace.onDidGrantWorkspaceTrust(() => (server.isRunning ? undefined : restart())),
  );
  void restart();
}

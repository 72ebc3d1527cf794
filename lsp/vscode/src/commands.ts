// The verbs. What is not given is asked for; the server carries it out and says what came of it.

import * as vscode from 'vscode';
import type { Approvals } from './approvals';
import { type Given, guarded, type Handler, pickSession } from './pick';
import type { Reviewing } from './review';
import type { Server } from './server';
import type { Sessions } from './sessions';
import { openTranscript } from './transcript';
import type { Row } from './tree';
import {
  type Approval,
  changes,
  count,
  lands,
  type Preflight,
  plain,
  type Review,
  type Session,
  type Step,
  shownAs,
} from './wire';

interface Parts {
  server: Server;
  sessions: Sessions;
  reviewing: Reviewing;
  approvals: Approvals;
  view: vscode.TreeView<Row>;
  /** The program, for terminals. */
  program: () => string | undefined;
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, sessions, reviewing, approvals } = parts;
  const rests = (session: Session) => !shownAs(session).busy;

  /** A verb about one session. */
  const about =
    (
      verb: string,
      act: (session: Session) => Promise<unknown> | unknown,
      fits?: (session: Session) => boolean,
    ): Handler =>
    async (given: Given) => {
      const session = await pickSession(sessions, given, verb, fits);
      return session && act(session);
    };
  /** One that the server does with nothing but the session. */
  const plainly = (command: string, verb: string, fits?: (session: Session) => boolean): Handler =>
    about(verb, (session) => server.run(command, { session: session.id }), fits);
  const decide =
    (action: 'accept' | 'reject'): Handler =>
    (given) =>
      given?.hunk ? server.run(`divisi.hunk.${action}`, given) : reviewing.decide(action);
  const answer =
    (command: string): Handler =>
    (given: Row | { approval: string } | undefined) => {
      if (given && 'kind' in given && given.kind === 'approval') {
        return server.run(command, { approval: given.approval.id });
      }
      return given && 'approval' in given ? server.run(command, given) : approvals.pick();
    };

  const handlers: Record<string, Handler> = {
    'divisi.sessions': () => vscode.commands.executeCommand('divisi.view.focus'),
    'divisi.new': (given) => (given?.prompt ? server.run('divisi.new', given) : start(server)),
    'divisi.prompt': (given) =>
      server.run('divisi.prompt', given && 'kind' in given ? { session: given.id } : (given ?? {})),
    'divisi.prompt.send': (given) =>
      server.run('divisi.prompt.send', given ?? { path: vscode.window.activeTextEditor?.document.uri.fsPath }),
    'divisi.send': async (given) =>
      given?.text ? server.run('divisi.send', given) : about('send to', (session) => send(server, session))(given),
    'divisi.transcript': about('read', async (session) => {
      await openTranscript(session);
      await server.run('divisi.read', { session: session.id });
    }),
    'divisi.read': plainly('divisi.read', 'mark as read', ({ unread }) => unread),
    'divisi.stop': plainly('divisi.stop', 'stop', (session) => !rests(session)),
    'divisi.retry': about(
      'try again',
      (session) => retry(server, session),
      (session) => rests(session) && !!session.turn,
    ),
    'divisi.review': about(
      'review',
      (session) => reviewing.open(session),
      ({ stat }) => stat.files > 0,
    ),
    'divisi.review.all': about(
      'review',
      (session) => reviewing.openAll(session),
      ({ stat }) => stat.files > 0,
    ),
    'divisi.review.file': (row: Row) => {
      const session = row.kind === 'file' ? sessions.get(row.id) : undefined;
      return session && row.kind === 'file' && reviewing.openFile(session, row.file);
    },
    'divisi.round': about(
      'send the review of',
      (session) => reviewing.send(session),
      ({ review }) => review.comments + review.rejected > 0,
    ),
    // The names that the command line has; the last answers a question or decides on a hunk.
    'divisi.list': () => vscode.commands.executeCommand('divisi.view.focus'),
    'divisi.log': (given) => handlers['divisi.transcript']?.(given),
    'divisi.review.send': (given) =>
      given?.session && !given.kind ? server.run('divisi.review.send', given) : handlers['divisi.round']?.(given),
    'divisi.accept': decide('accept'),
    'divisi.undo': (given) => handlers['divisi.hunk.undo']?.(given),
    'divisi.comment': (given) =>
      given?.session && !given.kind ? server.run('divisi.comment', given) : reviewing.comment(),
    'divisi.hunk.accept': decide('accept'),
    'divisi.hunk.reject': decide('reject'),
    'divisi.hunk.undo': (given) =>
      given?.hunk
        ? server.run('divisi.hunk.undo', given)
        : about('take a decision back in', (session) => reviewing.undo(session))(given),
    'divisi.approvals': (given?: { approval?: Approval }) => approvals.pick(given?.approval),
    'divisi.approve': answer('divisi.approve'),
    'divisi.approve.always': answer('divisi.approve.always'),
    'divisi.approve.reject': answer('divisi.approve.reject'),
    'divisi.answer': answer('divisi.answer'),
    'divisi.reject': (given) => (given?.hunk ? server.run('divisi.reject', given) : answer('divisi.reject')(given)),
    'divisi.land': about('land', (session) => land(server, session), lands),
    'divisi.land.continue': plainly(
      'divisi.land.continue',
      'go on landing',
      ({ landing }) => landing?.state === 'conflicted',
    ),
    'divisi.land.abort': plainly(
      'divisi.land.abort',
      'give up landing',
      ({ landing }) => landing?.state === 'conflicted',
    ),
    'divisi.remove': about('remove', (session) => remove(server, session)),
    'divisi.restore': (given) => (given?.session ? server.run('divisi.restore', given) : restore(server)),
    'divisi.rewind': about('take back to an earlier state', (session) => rewind(server, session), rests),
    'divisi.policy': about('change the policy of', (session) => policy(server, session)),
    'divisi.option': about(
      'change an option of',
      (session) => option(server, session),
      ({ options }) => options.length > 0,
    ),
    'divisi.worktree.open': about('open in a new window', ({ worktree }) =>
      vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(worktree.path), { forceNewWindow: true }),
    ),
    'divisi.worktree.add': about('add to this window', (session) => {
      const folders = vscode.workspace.workspaceFolders?.length ?? 0;
      const name = plain(session.name, 60);
      vscode.workspace.updateWorkspaceFolders(folders, 0, { uri: vscode.Uri.file(session.worktree.path), name });
    }),
    'divisi.terminal': about('open the interface of', (session) => {
      const program = parts.program();
      if (!program) {
        throw new Error('the program divisi was not found');
      }
      // No shell: the name is one argument, whatever is in it.
      const terminal = vscode.window.createTerminal({
        name: plain(session.name, 60),
        shellPath: program,
        shellArgs: ['open', session.id, '--terminal'],
        cwd: session.repository,
        iconPath: new vscode.ThemeIcon('git-branch'),
      });
      terminal.show();
    }),
  };
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([name, handler]) => vscode.commands.registerCommand(name, guarded(handler))),
    parts.view.onDidChangeCheckboxState(({ items }) =>
      guarded(async () => {
        for (const [row, state] of items) {
          const session = row.kind === 'file' ? sessions.get(row.id) : undefined;
          if (session && row.kind === 'file') {
            await reviewing.viewed(session, row.file, state === vscode.TreeItemCheckboxState.Checked);
          }
        }
      })(),
    ),
  );
}

/** A new session: where, by which agent, and what it shall do. */
async function start(server: Server): Promise<void> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const folder =
    folders.length > 1 ? await vscode.window.showWorkspaceFolderPick({ placeHolder: 'In which folder?' }) : folders[0];
  if (!folder) {
    if (folders.length === 0) {
      throw new Error('open a folder with a git repository first');
    }
    return;
  }
  const known = await server.call<{ name: string; description: string; installed: boolean; profile?: string }[]>(
    'agent/list',
    {
      repository: folder.uri.fsPath,
    },
  );
  const agents = known
    .filter(({ installed }) => installed)
    .map(({ name, description }) => ({ label: plain(name, 40), description: plain(description, 100), name }));
  const agent = await vscode.window.showQuickPick(agents, {
    title: 'New session',
    placeHolder: 'By which agent?',
    matchOnDescription: true,
  });
  if (!agent) {
    return;
  }
  const prompt = await vscode.window.showInputBox({
    title: `New session by ${agent.label}`,
    prompt: 'What shall it do? For a long prompt: “divisi: Write a Prompt”',
    ignoreFocusOut: true,
  });
  if (prompt?.trim()) {
    await server.run('divisi.new', { prompt, agent: agent.name, repository: folder.uri.fsPath });
  }
}

async function send(server: Server, session: Session): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: `To ${plain(session.name, 60)}`,
    prompt: shownAs(session).busy ? 'It works: this waits for its turn' : 'Enter sends',
    ignoreFocusOut: true,
  });
  if (text?.trim()) {
    await server.run('divisi.send', { session: session.id, text });
  }
}

async function retry(server: Server, session: Session): Promise<void> {
  await server.run('divisi.send', { session: session.id, text: session.turn?.prompt ?? session.prompt });
}

async function land(server: Server, session: Session): Promise<void> {
  const name = plain(session.name, 60);
  const [found, review] = await Promise.all([
    server.call<Preflight>('session/preflight', { session: session.id }),
    server.call<Review>('review/show', { session: session.id }),
  ]);
  if (!found.ready) {
    throw new Error(`${name} cannot land: ${found.blockers.join('; ')}`);
  }
  const onto = plain(found.onto.replace('refs/heads/', ''), 60);
  const strategies = [
    { label: 'squash', description: 'one commit' },
    { label: 'rebase', description: "the session's commits" },
    { label: 'merge', description: 'a merge commit' },
  ];
  const strategy = await vscode.window.showQuickPick(strategies, {
    title: `Land ${name} on ${onto}: ${count(found.stat.files, 'file')}, ${changes(found.stat)}`,
    placeHolder: 'How?',
  });
  if (!strategy) {
    return;
  }
  const order: Record<string, string> = { session: session.id, strategy: strategy.label };
  if (strategy.label !== 'rebase') {
    // A box has one line: what stands below the subject is kept.
    const [subject = '', ...body] = review.message.split('\n');
    const written = await vscode.window.showInputBox({
      title: `Land ${name} on ${onto}`,
      prompt: body.some((line) => line.trim() !== '')
        ? 'Subject of the commit; the text below it is kept'
        : 'Message of the commit',
      value: subject,
      ignoreFocusOut: true,
      validateInput: (value) => (value.trim() === '' ? 'A commit needs a message' : undefined),
    });
    if (written === undefined) {
      return;
    }
    order['message'] = [written, ...body].join('\n');
  }
  // What comes of it is told when it is known.
  await server.call('landing/start', order);
}

/** Says first what would be lost, and where it is kept. */
async function remove(server: Server, session: Session): Promise<void> {
  const name = plain(session.name, 60);
  const landed =
    session.landing?.state === 'completed'
      ? `landed on ${plain(session.landing.onto.replace('refs/heads/', ''))}`
      : 'not landed';
  const detail = [
    `Branch ${plain(session.worktree.branch.replace('refs/heads/', ''))} and worktree ${plain(session.worktree.path, 300)}`,
    session.stat.files > 0
      ? `${count(session.stat.files, 'file')} changed (${changes(session.stat)}), ${landed}`
      : 'It changed nothing.',
    `What is not landed is kept under refs/divisi/preserved/${session.id}; “divisi: Restore” brings it back.`,
  ].join('\n');
  const chosen = await vscode.window.showWarningMessage(`Remove ${name}?`, { modal: true, detail }, 'Remove');
  if (chosen !== 'Remove') {
    return;
  }
  try {
    await server.call('session/remove', { session: session.id });
  } catch (error) {
    const why = plain(error instanceof Error ? error.message : String(error), 500);
    const again = await vscode.window.showWarningMessage(
      `${name} was not removed`,
      { modal: true, detail: why },
      'Discard and Remove',
    );
    if (again) {
      await server.call('session/remove', { session: session.id, discard: true });
    }
  }
}

async function restore(server: Server): Promise<void> {
  const all = await server.call<Session[]>('session/list', { removed: true });
  const items = all
    .filter(({ removed }) => removed)
    .map((session) => ({ label: plain(session.name, 60), detail: plain(session.prompt, 120), id: session.id }));
  if (items.length === 0) {
    throw new Error('no session was removed');
  }
  const chosen = await vscode.window.showQuickPick(items, { title: 'Restore which session?' });
  if (chosen) {
    await server.run('divisi.restore', { session: chosen.id });
  }
}

async function rewind(server: Server, session: Session): Promise<void> {
  const steps = await server.call<Step[]>('session/timeline', { session: session.id });
  const items = steps
    .filter(({ commit }) => commit)
    .reverse()
    .map(({ name, title }) => ({ label: name, description: plain(title, 120) }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: `Take the files of ${plain(session.name, 60)} back to`,
    placeHolder: 'The present state is kept as a step of its own',
  });
  if (chosen) {
    await server.call('session/rewind', { session: session.id, checkpoint: chosen.label });
  }
}

async function policy(server: Server, session: Session): Promise<void> {
  const items = [
    { label: 'ask', description: 'every request is shown' },
    { label: 'hold', description: 'requests wait without being shown' },
    { label: 'auto', description: 'everything is allowed at once' },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: `What happens when ${plain(session.name, 60)} asks? Now: ${session.policy}`,
  });
  if (chosen) {
    await server.run('divisi.policy', { session: session.id, policy: chosen.label });
  }
}

async function option(server: Server, session: Session): Promise<void> {
  const options = session.options.map((option) => ({
    label: plain(option.name, 60),
    description: plain(option.current, 60),
    option,
  }));
  const chosen =
    options.length === 1 ? options[0] : await vscode.window.showQuickPick(options, { title: 'Which option?' });
  if (!chosen) {
    return;
  }
  const values = chosen.option.choices.map(({ id, name }) => ({
    label: plain(name, 60),
    description: plain(id, 60),
    id,
  }));
  const value = await vscode.window.showQuickPick(values, { title: chosen.label });
  if (value) {
    await server.run('divisi.option', { session: session.id, option: chosen.option.id, value: value.id });
  }
}

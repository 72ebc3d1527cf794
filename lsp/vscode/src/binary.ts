// Where the program `divisi` is, and how it can be made when it is nowhere.

import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return path.isAbsolute(file);
  } catch {
    return false;
  }
}

/** A folder of the workspace that is divisi's own checkout, in a workspace that the person trusts. */
async function checkout(): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) {
    return undefined;
  }
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    try {
      const text = await readFile(path.join(folder.uri.fsPath, 'Cargo.toml'), 'utf8');
      if (/^name = "divisi"$/m.test(text)) {
        return folder.uri.fsPath;
      }
    } catch {
      // It is no Rust package.
    }
  }
  return undefined;
}

/** The setting, then PATH, then `target/release` in divisi's own checkout. */
export async function findProgram(): Promise<string | undefined> {
  const set = vscode.workspace.getConfiguration('divisi').get<string>('path', '').trim();
  if (set !== '') {
    // Said, not passed over: the person meant this one.
    return set;
  }
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, 'divisi');
    if (await isProgram(file)) {
      return file;
    }
  }
  const home = await checkout();
  const built = home && path.join(home, 'target', 'release', 'divisi');
  return built && (await isProgram(built)) ? built : undefined;
}

/** Says that there is no program, and offers what can be done. True once one was built. */
export async function offerProgram(): Promise<boolean> {
  const home = await checkout();
  const build = 'Build It with cargo';
  const choose = 'Set Its Path';
  const chosen = await vscode.window.showWarningMessage(
    'The program divisi is not in your PATH.',
    ...(home ? [build] : []),
    choose,
    'How to Install It',
  );
  if (chosen === build && home) {
    return buildProgram(home);
  }
  if (chosen === choose) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'divisi.path');
  } else if (chosen) {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'divisi.divisi#divisi.start', false);
  }
  return false;
}

/** Runs cargo in divisi's checkout, as a task the person sees. */
export async function buildProgram(home?: string): Promise<boolean> {
  const folder = home ?? (await checkout());
  if (!folder) {
    throw new Error('no folder of this window is a checkout of divisi that you trust');
  }
  const task = new vscode.Task(
    { type: 'divisi' },
    vscode.TaskScope.Workspace,
    'build',
    'divisi',
    new vscode.ProcessExecution('cargo', ['build', '--release', '--locked'], { cwd: folder }),
  );
  const execution = await vscode.tasks.executeTask(task);
  return new Promise((resolve) => {
    const subscription = vscode.tasks.onDidEndTaskProcess((event) => {
      if (event.execution === execution) {
        subscription.dispose();
        resolve(event.exitCode === 0);
      }
    });
  });
}

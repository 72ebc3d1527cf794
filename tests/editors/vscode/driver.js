// Drives a real VS Code: code-server, in a headless Chromium.
//
//   node driver.js TOOLS SHOTS
//
// TOOLS is what tests/tools/vscode prints, SHOTS the folder for pictures. Takes one request per line on standard
// input and answers each with one line: {"ok": true, ...} or {"ok": false, "error": ..., "shot": ...}. Nothing
// waits longer than its deadline (`seconds`, 30). The end of the input ends everything that was started.
//
//   {"op": "open", "folder", "vsix"?, "settings"?, "arguments"?}  starts VS Code with an extension on a folder
//   {"op": "folder", "folder"}                       another folder in the same window
//   {"op": "command", "title"}                       runs what the command palette calls so
//   {"op": "click", "text"?, "in"?, "times"?, "button"?}   clicks the first that shows the text, within a selector
//   {"op": "hover", "text"?, "in"?}                  points at it
//   {"op": "type", "text"}, {"op": "press", "keys"}  as a person at the keyboard
//   {"op": "see", "text", "in"?}, {"op": "gone", "text", "in"?}   waits until it is, or is not, to be seen
//   {"op": "pick", "text", "whole"?}                 waits for such a row in the quick pick, and takes it
//   {"op": "fill", "text"}                           waits for the input box, fills it in and sends it
//   {"op": "read", "in"}                             what is written there
//   {"op": "count", "in"}                            how many there are
//   {"op": "shot", "name"}                           takes a picture
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const [, , TOOLS, SHOTS] = process.argv;
const { chromium } = require(path.join(TOOLS, 'node_modules', 'playwright-core'));
const SERVER = path.join(TOOLS, 'bin', 'code-server');
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'vscode-'));
fs.mkdirSync(SHOTS, { recursive: true });

let server, browser, page, address;

/** What keeps an editor quiet: no welcome, no chat, nothing fetched. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.reduceMotion': 'on',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'files.autoSave': 'off',
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
};

/** code-server with arguments of ours, which touches nothing but our folder. */
function codeServer(rest) {
  const fixed = ['--user-data-dir', path.join(home, 'user'), '--extensions-dir', path.join(home, 'extensions')];
  // Its sockets too: they would be left behind.
  const env = { ...process.env, TMPDIR: home, XDG_RUNTIME_DIR: home };
  return spawn(SERVER, [...fixed, ...rest], { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
}

/** A program's output, to its end; fails when it does. */
function finished(child) {
  let said = '';
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (said += bytes));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(said) : reject(new Error(`code-server: ${code}: ${said}`))));
  });
}

/** The address it says that it listens on. */
function listening(child, ms) {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`code-server does not listen: ${said}`)), ms);
    const look = (bytes) => {
      said += bytes;
      const found = /HTTP server listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
      if (found) {
        clearTimeout(timer);
        resolve(found[1]);
      }
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.on('close', () => reject(new Error(`code-server ended: ${said}`)));
  });
}

const OPS = {
  async open({ folder, vsix, settings, arguments: more }, ms) {
    fs.mkdirSync(path.join(home, 'user', 'User'), { recursive: true });
    fs.writeFileSync(path.join(home, 'user', 'User', 'settings.json'), JSON.stringify({ ...SETTINGS, ...settings }));
    if (vsix) await finished(codeServer(['--install-extension', vsix]));
    server = codeServer([
      '--auth', 'none', '--bind-addr', '127.0.0.1:0', '--disable-telemetry', '--disable-update-check',
      '--disable-getting-started-override', '--ignore-last-opened', ...(more ?? []),
    ]);
    address = await listening(server, ms);
    browser = await chromium.launchPersistentContext(path.join(home, 'profile'), {
      executablePath: path.join(TOOLS, 'bin', 'chromium'),
      headless: true,
      viewport: { width: 1400, height: 900 },
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
        // Whatever VS Code would like to fetch: nothing but this machine can be reached.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
    });
    page = browser.pages()[0] ?? (await browser.newPage());
    return this.folder({ folder }, ms);
  },

  async folder({ folder }, timeout) {
    await page.goto(`${address}/?folder=${encodeURIComponent(folder)}`);
    await page.waitForSelector('.monaco-workbench .explorer-folders-view .monaco-list-row', { timeout });
    return {};
  },

  async command({ title }, timeout) {
    const until = Date.now() + timeout;
    for (;;) {
      await page.keyboard.press('F1');
      const input = page.locator('.quick-input-widget:visible input.input');
      await input.waitFor({ timeout });
      await input.fill(`>${title}`);
      try {
        return await this.pick({ text: title, whole: true }, Math.min(2000, timeout));
      } catch (error) {
        // A list that is open does not learn of an extension that becomes ready.
        if (Date.now() > until) throw error;
        await page.keyboard.press('Escape');
      }
    }
  },

  async pick({ text, whole }, timeout) {
    const rows = page.locator('.quick-input-widget:visible .monaco-list-row');
    const label = page.locator('.monaco-icon-label .label-name', { hasText: whole ? new RegExp(`^${words(text).source}$`) : words(text) });
    const row = rows.filter({ has: label }).first();
    await row.waitFor({ timeout });
    await row.click({ timeout });
    return {};
  },

  async fill({ text }, timeout) {
    const input = page.locator('.quick-input-widget:visible input.input');
    await input.waitFor({ timeout });
    await input.fill(text);
    await input.press('Enter');
    return {};
  },

  async click({ times, button, ...what }, timeout) {
    await found(what).click({ timeout, clickCount: times ?? 1, button: button ?? 'left' });
    return {};
  },

  async hover(what, timeout) {
    await found(what).hover({ timeout });
    return {};
  },

  async type({ text }) {
    await page.keyboard.type(text);
    return {};
  },

  async press({ keys }) {
    await page.keyboard.press(keys);
    return {};
  },

  async see(what, timeout) {
    await found(what).waitFor({ timeout, state: 'visible' });
    return {};
  },

  async gone(what, timeout) {
    await found(what).waitFor({ timeout, state: 'hidden' });
    return {};
  },

  async read(what, timeout) {
    const text = await found(what).innerText({ timeout });
    // The editor's blanks do not break.
    return { text: text.replaceAll('\u00a0', ' ') };
  },

  async count(what) {
    return { count: await page.locator(what.in).count() };
  },

  async shot({ name }) {
    const file = path.join(SHOTS, `${name}.png`);
    await page.screenshot({ path: file });
    return { shot: file };
  },
};

/** The first visible element of a selector, or in it, that shows a text. */
function found({ text, in: where }) {
  if (text === undefined) return page.locator(`${where} >> visible=true`).first();
  if (where === undefined) return page.getByText(text).locator('visible=true').first();
  return page.locator(where, { hasText: words(text) }).locator('visible=true').first();
}

/** The editor draws blanks that do not break. */
function words(text) {
  return new RegExp(text.split(' ').map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[ \u00a0]'));
}

async function answer(line) {
  let name = 'none';
  try {
    const { op, seconds, ...rest } = JSON.parse(line);
    name = String(op);
    if (!Object.hasOwn(OPS, name)) throw new Error(`there is no op ${name}`);
    return { ok: true, ...(await OPS[name](rest, (seconds ?? 30) * 1000)) };
  } catch (error) {
    const failed = { ok: false, error: `${name} ${line}: ${error instanceof Error ? error.message : error}` };
    try {
      failed.shot = (await OPS.shot({ name: `failed-${name}` })).shot;
      failed.screen = await page.locator('body').innerText();
    } catch {
      // There is no page yet.
    }
    return failed;
  }
}

async function end() {
  try {
    await browser?.close();
  } catch {
    // It is gone already.
  }
  if (server && server.exitCode === null) {
    const gone = new Promise((resolve) => server.on('close', resolve));
    // The whole group: the extension host outlives the server by a while, waiting for a window to come back.
    process.kill(-server.pid, 'SIGTERM');
    await gone;
  }
  fs.rmSync(home, { recursive: true, force: true });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
  await end();
  process.exit(0);
})();

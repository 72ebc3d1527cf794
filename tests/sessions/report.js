// Opens a report in Chromium, with and without JavaScript, and prints what is there as one line of JSON: TOOLS PAGE PICTURE
'use strict';
const path = require('node:path');
const [tools, page, picture] = process.argv.slice(2);
const { chromium } = require(path.join(tools, 'node_modules', 'playwright-core'));

async function look(browser, javaScriptEnabled) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled });
  const tab = await context.newPage();
  const complaints = [];
  tab.on('console', (message) => complaints.push(message.text()));
  tab.on('pageerror', (error) => complaints.push(String(error)));
  const asked = [];
  tab.on('request', (request) => asked.push(request.url()));
  await tab.goto(`file://${page}`);
  const runs = tab.locator('h2:text-is("Runs") + div tbody tr');
  const numbers = async () => (await runs.locator('td:first-child').allTextContents()).map(Number);
  const found = { complaints, asked: asked.length, first: await numbers(), charts: await tab.locator('svg').count() };
  found.buttons = await tab.locator('th button').count();
  if (javaScriptEnabled) {
    await runs.first().locator('xpath=ancestor::table//th[1]/button').click();
    await runs.first().locator('xpath=ancestor::table//th[1]/button').click();
    found.sorted = await numbers();
  }
  const details = tab.locator('details').first();
  await details.locator('summary').click();
  found.opened = await details.locator('pre').first().isVisible();
  found.text = await details.innerText();
  found.wide = await tab.evaluate('document.documentElement.scrollWidth').catch(() => 0);
  await tab.screenshot({ path: picture.replace('.png', javaScriptEnabled ? '.png' : '-plain.png'), fullPage: true });
  await context.close();
  return found;
}

(async () => {
  const browser = await chromium.launch({
    executablePath: path.join(tools, 'bin', 'chromium'),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND'],
  });
  const seen = { scripted: await look(browser, true), plain: await look(browser, false) };
  await browser.close();
  process.stdout.write(`${JSON.stringify(seen)}\n`);
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

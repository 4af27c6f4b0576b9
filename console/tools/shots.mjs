// Pictures of pages for looking at them: node tools/shots.mjs FOLDER URL [PATH…], in both themes and at three widths.
// LANGUAGES=zh-Hant,en THEMES=light WIDTHS=390 narrow it down.
import { mkdirSync } from 'node:fs';
import { LANGUAGES, THEMES, WIDTHS, findings, newPage, overflows, settle, startBrowser } from '../test/e2e/support.mjs';

const [folder, url, ...paths] = process.argv.slice(2);
const list = (name, otherwise) => process.env[name]?.split(',') ?? otherwise;
mkdirSync(folder, { recursive: true });
const browser = await startBrowser();
for (const language of list('LANGUAGES', LANGUAGES)) {
  for (const theme of list('THEMES', THEMES)) {
    for (const width of list('WIDTHS', WIDTHS).map(Number)) {
      const page = await newPage(browser, { url }, { language, theme, width });
      for (const path of paths) {
        await page.goto(url + path);
        await settle(page);
        const name = `${path.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, '') || 'home'}-${language}-${theme}-${width}`;
        await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
        const said = [...(await findings(page)), ...(await page.faults()), ...((await overflows(page)) ? ['wider than its window'] : [])];
        console.log(name, said.length ? `\n  ${said.join('\n  ')}` : 'ok');
      }
      await page.context().close();
    }
  }
}
await browser.close();

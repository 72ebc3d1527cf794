//! One session in Neovim, VS Code and Helix at once, as three people would see it: the screens are read, nothing else.

use super::code::{Code, LINE, TOAST};
use super::hx::Helix;
use super::stage::{SCRIPT, scene};
use super::vi::Vi;
use crate::support::skip::helix;
use crate::support::{NvimEnd, nvim};

/// Asks three times, then changes three places.
fn script() -> String {
    let asks = ["make test", "make push", "make clean"];
    let asks = asks.map(|command| format!("ask-permission {} Run it :: {command}", command.replace(' ', "-")));
    let changes = [SCRIPT[3], "replace notes.md line 7 :: sieben", SCRIPT[4]];
    format!("{}\n{}\nsay done", asks.join("\n"), changes.join("\n"))
}

#[test]
fn what_is_answered_or_rejected_in_one_is_gone_from_the_screens_of_all() {
    let test = "editors::three::what_is_answered_or_rejected_in_one_is_gone_from_the_screens_of_all";
    let (Some(neovim), Some(helix), Some(tools)) = (nvim(NvimEnd::New, test), helix(test), Code::tools(test)) else {
        return;
    };
    let mut scene = scene();
    let mut code = Code::open(&scene, &tools, "three");
    code.command("divisi: Show Sessions");
    let mut vi = Vi::open(&mut scene, &neovim, "notes.md");
    let mut hx = Helix::open(&scene, &helix, "notes.md");
    scene.scripted("shared", &script());

    // Everybody is asked, and VS Code answers.
    vi.sees("shared asks: make test");
    hx.sees("shared asks: make test");
    code.see(TOAST, "make test");
    code.shot("1-asked");
    code.click(&format!("{TOAST} a"), "Allow Once");
    vi.sees("shared asks: make push");
    hx.sees("shared asks: make push");
    code.see(TOAST, "make push");
    code.gone(TOAST, "make test");
    vi.sees_no("make test");
    // Helix has no list that stands open: what it offers is the new question alone.
    hx.offers("Allow once: make push", "make test");

    // Neovim answers.
    vi.command("Divisi approvals");
    vi.sees("once");
    vi.keys("o");
    code.see(TOAST, "make clean");
    code.gone(TOAST, "make push");
    hx.sees("shared asks: make clean");
    vi.sees("make clean");
    vi.sees_no("make push");
    hx.offers("Allow once: make clean", "make push");

    // Helix answers.
    hx.choose("Allow once: make clean");
    code.gone(TOAST, "make clean");
    vi.sees_no("make clean");
    hx.sees("shared: to review");
    hx.offers("divisi: new session", "make clean");

    // The review is on all three screens.
    vi.command("Divisi review shared");
    code.command("divisi: Review");
    hx.ask("divisi.review \"shared\"");
    hx.sees("0 of 3 hunks decided");
    for changed in ["zwei", "sieben", "elf"] {
        vi.sees(changed);
        hx.keys(&format!("/\\+{changed}\r"));
        hx.sees(&format!("+{changed}"));
        code.see(LINE, changed);
    }
    hx.keys("gg");
    code.shot("2-review");

    // One rejects in each of them, and nobody sees it any more.
    code.command("divisi: Reject the Hunk");
    code.gone(LINE, "zwei");
    vi.sees_no("zwei");
    hx.sees("0 of 3 hunks decided");
    hx.reloads_to("0 of 2 hunks decided");
    assert!(!hx.text().contains("+zwei"), "{}", hx.text());

    vi.keys("gg/siebe.\r\\x");
    code.gone(LINE, "sieben");
    code.shot("3-rejected");
    vi.sees_no("sieben");
    hx.reloads_to("0 of 1 hunks decided");
    assert!(!hx.text().contains("+sieben"), "{}", hx.text());

    hx.keys("/\\+elf\r");
    hx.choose("Reject the hunk of shared");
    code.gone(LINE, "elf");
    vi.sees_no("elf");
    code.shot("4-all");

    hx.quits();
    vi.quits();
    drop(code);
    scene.discard(&["shared"]);
}

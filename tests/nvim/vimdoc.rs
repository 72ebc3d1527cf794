//! The help file against the tables of the code: what is there is documented, and what is documented is there.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::in_every_neovim;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn doc() -> String {
    std::fs::read_to_string(root().join("doc/divisi.txt")).unwrap()
}

/// Tags of the help file.
fn tags(doc: &str) -> BTreeSet<String> {
    let words = doc.split_whitespace();
    words
        .filter_map(|word| word.strip_prefix('*')?.strip_suffix('*'))
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
        .iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// Every Lua file.
fn sources(folder: &Path, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|end| end == "lua") {
            out.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// The names of `User` autocommands that the code fires.
fn fired() -> BTreeSet<String> {
    let mut all = Vec::new();
    sources(&root().join("lua"), &mut all);
    let mut names = BTreeSet::new();
    for text in &all {
        for part in text.split("events\").autocmd(\"").skip(1).chain(text.split("events.autocmd(\"").skip(1)) {
            names.insert(format!("Divisi{}", part.split('"').next().unwrap()));
        }
    }
    names
}

/// A key as the help file writes it: special ones bare, others in quotes.
fn has_key(doc: &str, key: &str) -> bool {
    doc.contains(&format!("`{key}`")) || (key.starts_with('<') && doc.to_lowercase().contains(&key.to_lowercase()))
}

in_every_neovim! {
    async fn every_verb_option_highlight_and_function_is_documented(scene) {
        let (editor, doc) = (&scene.editor, doc());
        let tags = tags(&doc);
        let mut missing = Vec::new();
        for verb in strings(&editor.lua("return require('divisi.commands').verbs()").await) {
            if !tags.contains(&format!(":Divisi-{verb}")) {
                missing.push(format!(":Divisi {verb}"));
            }
            let flags = editor.lua(&format!("return require('divisi.commands').spec('{verb}').flags or vim.empty_dict()")).await;
            for flag in flags.as_array().into_iter().flatten() {
                if !doc.contains(flag.as_str().unwrap()) {
                    missing.push(format!(":Divisi {verb} {flag}"));
                }
            }
        }
        for group in strings(&editor.lua("return vim.tbl_keys(require('divisi.ui.highlight').links)").await) {
            if !tags.contains(&format!("hl-{group}")) {
                missing.push(group);
            }
        }
        for name in fired() {
            if !tags.contains(&name) {
                missing.push(format!("User {name}"));
            }
        }
        let functions = "return vim.tbl_filter(function(name) return type(require('divisi')[name]) == 'function' and name:sub(1, 1) ~= '_' end, vim.tbl_keys(require('divisi')))";
        for name in strings(&editor.lua(functions).await) {
            if !tags.contains(&format!("divisi.{name}()")) {
                missing.push(format!("require('divisi').{name}()"));
            }
        }
        let plugs = "local all = {} for _, mode in ipairs({ 'n', 'x' }) do for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do if map.lhs:find('^<Plug>%(Divisi') and not map.lhs:find('Review') then table.insert(all, map.lhs) end end end return all";
        for plug in strings(&editor.lua(plugs).await) {
            if !tags.contains(&plug) {
                missing.push(plug);
            }
        }
        for plug in strings(&editor.lua("return vim.tbl_map(function(key) return key.plug end, require('divisi.ui.review.keys').list)").await) {
            if !doc.contains(&format!("`{plug}`")) && !doc.contains(&format!("DivisiReview{plug})")) {
                missing.push(format!("<Plug>(DivisiReview{plug})"));
            }
        }
        assert!(missing.is_empty(), "not in doc/divisi.txt: {missing:#?}");
        // And nothing is documented that is not there.
        let verbs = strings(&editor.lua("return require('divisi.commands').verbs()").await);
        for tag in &tags {
            if let Some(verb) = tag.strip_prefix(":Divisi-") {
                assert!(verbs.iter().any(|known| known == verb), "{tag} is documented and not there");
            }
            if let Some(group) = tag.strip_prefix("hl-") {
                assert_eq!(editor.lua(&format!("return require('divisi.ui.highlight').links.{group} ~= nil")).await, true, "{tag}");
            }
        }
    }

    async fn the_options_in_the_help_are_the_defaults(scene) {
        let doc = doc();
        let shown = doc.split("vim.g.divisi = {\n").nth(1).and_then(|rest| rest.split("\n    }\n").next()).expect("a table");
        let same = format!(
            "local shown = assert(load([==[return {{ {shown} }}]==]))()
             local real = require('divisi.config').get()
             local function differ(a, b, at, out)
               for key in pairs(vim.tbl_extend('keep', {{}}, a, b)) do
                 if type(a[key]) == 'table' and type(b[key]) == 'table' then differ(a[key], b[key], at .. key .. '.', out)
                 elseif a[key] ~= b[key] then table.insert(out, ('%s%s: %s, really %s'):format(at, key, vim.inspect(a[key]), vim.inspect(b[key]))) end
               end
               return out
             end
             return differ(shown, real, '', {{}})"
        );
        let differences = scene.editor.lua(&same).await;
        assert!(differences.as_array().is_none_or(Vec::is_empty), "{differences:#}");
    }

    async fn every_key_of_a_view_is_documented(scene) {
        let (editor, doc) = (&scene.editor, doc());
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "go");
        scene.fake.ask("ap1", "aaaaaaaaaa", "make");
        let mut missing = Vec::new();
        for (command, filetype) in [("list", "sessions"), ("show fix", "transcript"), ("ask fix", "prompt"), ("approvals", "approvals")] {
            editor.ex(&format!("Divisi {command}")).await;
            editor.until(&format!("vim.bo.filetype == 'divisi-{filetype}'")).await;
            // Those of language servers and of Neovim's own settings for files are not ours.
            let keys = "return vim.tbl_map(function(map) return map.lhs end, vim.tbl_filter(function(map) return (map.desc or ''):find('^divisi') ~= nil end, vim.api.nvim_buf_get_keymap(0, 'n')))";
            let keys = strings(&editor.lua(keys).await);
            assert!(keys.len() > 3, "{filetype}: {keys:?}");
            missing.extend(keys.into_iter().filter(|key| !has_key(&doc, key)).map(|key| format!("{key} in {filetype}")));
        }
        for key in strings(&editor.lua("return vim.tbl_map(function(key) return key[1] end, require('divisi.ui.review.keys').panel_keys)").await) {
            if !has_key(&doc, &key) {
                missing.push(format!("{key} in the list of a review"));
            }
        }
        assert!(missing.is_empty(), "not in doc/divisi.txt: {missing:?}");
    }

    async fn helptags_finds_every_tag_once(scene) {
        let folder = scene.repository().join("help");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(root().join("doc/divisi.txt"), folder.join("divisi.txt")).unwrap();
        // A tag that is there twice is an error.
        scene.editor.ex(&format!("helptags {}", folder.display())).await;
        let made = std::fs::read_to_string(folder.join("tags")).unwrap();
        assert_eq!(made.lines().count(), tags(&doc()).len(), "{made}");
        // Every link leads somewhere.
        let doc = doc();
        let ours = doc.split('|').skip(1).step_by(1).filter(|word| {
            (word.starts_with("divisi") || word.starts_with(":Divisi") || word.starts_with("Divisi")) && !word.contains(char::is_whitespace)
        });
        for link in ours {
            assert!(made.lines().any(|line| line.split('\t').next() == Some(link)), "|{link}| leads nowhere");
        }
    }
}

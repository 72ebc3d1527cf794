//! Getting the binary: what is found first, a download from a server of the test's own, a build with a cargo of the test's own.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::editor::{Scene, write};
use super::in_every_neovim;

/// Stands for a released binary.
const BINARY: &str = "#!/bin/sh\necho divisi 9.9.9\n";

/// Serves one body at every path, or nothing; answers where.
async fn serve(body: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let wanted = String::from_utf8_lossy(&request[..read]).contains("/9.9.9/divisi-9.9.9-");
            let answer = match body.filter(|_| wanted) {
                Some(body) => {
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
                }
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            // The client may have gone.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

/// Pretends that this commit is of a release with that checksum.
async fn pin(scene: &Scene, release: &str, body: &str) {
    let digest = Sha256::digest(body.as_bytes()).iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
    scene
        .editor
        .lua(&format!(
            "vim.env.DIVISI_BIN = nil
             package.loaded['divisi.version'] = {{ version = '9.9.9', plugin = 1, release = '', sha256 = {{ [require('divisi.install').target()] = {digest:?} }} }}
             require('divisi').setup({{ release = {release:?} }})"
        ))
        .await;
}

fn program(path: &Path, text: &str) {
    write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

in_every_neovim! {
    async fn a_binary_is_downloaded_only_when_asked_for_and_checked(scene) {
        let release = serve(Some(BINARY)).await;
        pin(&scene, &release, BINARY).await;
        let managed = "vim.fn.executable(require('divisi.install').managed()) == 1";
        scene.editor.will_choose(&["Leave it"]).await;
        scene.editor.ex("Divisi install").await;
        scene.editor.until("_G.asked[1] ~= nil and _G.asked[1].prompt:find('/9.9.9/divisi-9.9.9-', 1, true)").await;
        assert_eq!(scene.editor.lua(&format!("return {managed}")).await, false);
        scene.editor.will_choose(&["Download"]).await;
        scene.editor.ex("Divisi install").await;
        scene.editor.until("_G.told('downloading done')").await;
        assert_eq!(scene.editor.lua(&format!("return {managed}")).await, true);
        // The binary in the plugin's own directory comes first; nothing is left beside the new one.
        let found = scene.editor.lua("return vim.tbl_map(function(p) return p.place end, require('divisi.host').places())").await;
        assert!(found[0].as_str().unwrap().starts_with("the plugin directory, "), "{found}");
        assert!(found.as_array().unwrap().contains(&json!("downloaded by :Divisi install")), "{found}");
        let left = scene.editor.lua("return vim.tbl_map(function(n) return n end, vim.fn.readdir(vim.fs.dirname(require('divisi.install').managed())))").await;
        assert_eq!(left, json!(["divisi-9.9.9"]));
        scene.editor.assert_calm().await;
    }

    async fn of_two_builds_the_newer_one_is_meant(scene) {
        let home = scene.repository().join("plugin");
        let host = home.join("lua/divisi/host.lua");
        write(&host, &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("lua/divisi/host.lua")).unwrap());
        for profile in ["release", "debug"] {
            program(&home.join("target").join(profile).join("divisi"), "#!/bin/sh\n");
        }
        for (release, debug, first) in [(10, 20, "debug"), (20, 10, "release"), (20, 20, "release")] {
            let found = scene
                .editor
                .lua(&format!(
                    "vim.uv.fs_utime({:?}, 1, {release})
                     vim.uv.fs_utime({:?}, 1, {debug})
                     return vim.tbl_filter(function(p) return p:find('^the plugin directory') end,
                       vim.tbl_map(function(p) return p.place end, dofile({host:?}).places()))",
                    home.join("target/release/divisi"),
                    home.join("target/debug/divisi"),
                ))
                .await;
            assert_eq!(found[0], format!("the plugin directory, {first} build"), "{found}");
            assert_eq!(found.as_array().unwrap().len(), 2);
        }
        scene.editor.assert_calm().await;
    }

    async fn what_is_not_as_named_is_thrown_away(scene) {
        let release = serve(Some("#!/bin/sh\necho evil\n")).await;
        pin(&scene, &release, BINARY).await;
        scene.editor.ex("Divisi! install").await;
        scene.editor.until("_G.told('not the released binary: sha256')").await;
        let (lying, nothing) = (serve(Some("#!/bin/sh\necho divisi 1.0\n")).await, serve(None).await);
        pin(&scene, &lying, "#!/bin/sh\necho divisi 1.0\n").await;
        scene.editor.ex("Divisi! install").await;
        scene.editor.until("_G.told('does not run here: divisi 1.0')").await;
        pin(&scene, &nothing, BINARY).await;
        scene.editor.ex("Divisi! install").await;
        scene.editor.until("_G.told('not downloaded: ')").await;
        assert_eq!(scene.editor.lua("return #vim.fn.readdir(vim.fs.dirname(require('divisi.install').managed()))").await, 0);
        // Without a network too.
        pin(&scene, "http://127.0.0.1:9", BINARY).await;
        scene.editor.lua("_G.notices = {}").await;
        scene.editor.ex("Divisi! install").await;
        scene.editor.until("_G.told('not downloaded: ')").await;
        // Without a release for this machine there is nothing to ask.
        scene.editor.lua("package.loaded['divisi.version'].sha256 = {}").await;
        scene.editor.ex("Divisi install").await;
        scene.editor.until("_G.told('names no released binary')").await;
        scene.editor.assert_calm().await;
    }

    async fn cargo_builds_for_the_command_and_for_plugin_managers(scene) {
        let home = scene.repository().join("plugin");
        // A cargo that writes down what it was asked for, and a plugin directory of its own.
        program(&home.join("bin/cargo"), "#!/bin/sh\necho \"$@ in $PWD\" >> \"$CARGO_LOG\"\nmkdir -p target/release\nprintf '#!/bin/sh\\n' > target/release/divisi\nchmod +x target/release/divisi\n[ -z \"$CARGO_FAILS\" ] || { echo 'error: no such crate' >&2; exit 101; }\n");
        write(&home.join("Cargo.toml"), "");
        for file in ["build.lua", "lua/divisi/install.lua", "lua/divisi/version.lua", "lua/divisi/config.lua", "lua/divisi/errors.lua"] {
            write(&home.join(file), &std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap());
        }
        let (log, home) = (home.join("log"), home.display().to_string());
        scene.editor.lua(&format!("vim.env.PATH = {:?} .. ':' .. vim.env.PATH vim.env.CARGO_LOG = {:?} vim.env.CARGO_TARGET_DIR = nil", format!("{home}/bin"), log.display().to_string())).await;
        // As lazy.nvim runs it: in a coroutine that is resumed until it ends.
        scene.editor.lua(&format!("local co = coroutine.create(function() dofile({home:?} .. '/build.lua') end)
            while coroutine.status(co) ~= 'dead' do assert(coroutine.resume(co)) end")).await;
        assert_eq!(std::fs::read_to_string(&log).unwrap(), format!("build --release --locked in {home}\n"));
        // As the help's autocommand for vim.pack runs it.
        scene.editor.lua(&format!("vim.api.nvim_create_autocmd('User', {{ pattern = 'PackChanged', callback = function(ev)
              if ev.data.spec.name == 'divisi' and ev.data.kind ~= 'delete' then dofile(ev.data.path .. '/build.lua') end end }})
            vim.api.nvim_exec_autocmds('User', {{ pattern = 'PackChanged', data = {{ kind = 'install', path = {home:?}, spec = {{ name = 'divisi' }} }} }})")).await;
        assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 2);
        let failed = scene.editor.lua(&format!("vim.env.CARGO_FAILS = '1' return select(2, pcall(dofile, {home:?} .. '/build.lua'))")).await;
        assert!(failed.as_str().unwrap().contains("cargo build failed: error: no such crate"), "{failed}");
        scene.editor.lua(&format!("vim.env.CARGO_FAILS = nil require('divisi.install').root = function() return {home:?} end")).await;
        scene.editor.ex("Divisi build").await;
        scene.editor.until("_G.told('building with cargo done')").await;
    }

    async fn an_editor_without_a_binary_asks_once(scene) {
        scene.editor.lua("package.loaded['divisi.host'] = nil vim.env.DIVISI_BIN = nil
            local host = require('divisi.host') host.find = function() end").await;
        scene.editor.will_choose(&["I will see to it"]).await;
        scene.editor.ex("Divisi list").await;
        scene.editor.until("_G.asked[1] ~= nil and _G.asked[1].prompt == 'divisi has no binary yet'").await;
        scene.editor.ex("Divisi attention").await;
        scene.editor.until("_G.told('no divisi binary found: :Divisi build')").await;
        assert_eq!(scene.editor.lua("return #_G.asked").await, 1);
    }

    async fn a_binary_of_another_plugin_protocol_is_said_in_so_many_words(scene) {
        scene.editor.lua("local v = require('divisi.version') v.plugin = 2").await;
        scene.editor.attach().await;
        scene.editor.until("_G.told('the binary is too old for the plugin (protocols 1 and 2): :Divisi update')").await;
        scene.editor.ex("Divisi version").await;
        scene.editor.until("_G.told('plugin 0.1.0, binary 0.1.0')").await;
        scene.editor.assert_calm().await;
    }
}

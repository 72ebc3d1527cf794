//! The one binary: what the faces may not name themselves is given to them here.

use divisi::base::paths::Paths;
use divisi::cli::{Programs, PullRequest};
use divisi::config::Config;
use divisi::host::handle::HostHandle;
use divisi::model::Refusal;
use divisi::process::publish::{Publication, open_request, push};

static PROGRAMS: Programs = Programs {
    boot,
    start_daemon: divisi::process::daemon::start_daemon,
    run_editor: divisi::process::foreground::run_editor,
    open_pull_request,
    others: &[],
};

fn main() -> std::process::ExitCode {
    let code = divisi::cli::run(std::env::args_os().collect(), &PROGRAMS);
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(70))
}

fn boot(_: &Paths, _: &Config) -> Result<HostHandle, Refusal> {
    Err(Refusal::internal("this build has no engine"))
}

fn open_pull_request(request: &PullRequest) -> Result<String, Refusal> {
    let gh = which::which("gh").map_err(|error| {
        Refusal::user(format!("failed to open a pull request: gh is needed and was not found: {error}"))
            .hint("divisi land SESSION --patch FILE")
    })?;
    let publication = Publication { common_dir: request.common_dir.as_ref(), commit: &request.commit, head: &request.head };
    let url = push(&publication)?;
    open_request(&gh, &url, &request.head, &request.base, &request.title, &request.body)
}

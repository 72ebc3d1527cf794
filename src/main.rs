//! The one binary: what the faces may not name themselves is given to them here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use divisi::base::paths::Paths;
use divisi::bench::shelf;
use divisi::boot;
use divisi::cli::{Bench, Programs, PullRequest, Running, Scratch, Tell};
use divisi::config::Config;
use divisi::model::Refusal;
use divisi::model::attempt::{Attempted, BenchRequest, Judged, Solver};
use divisi::model::bench_view::{Artefact, BenchRun, BenchRunDetail};
use divisi::nvim::watch::BenchRuns;
use divisi::process::driver::JobDriver;
use divisi::process::publish::{Publication, open_request, push};
use divisi::process::scratch;
use divisi::wire::kept::daemon::DaemonBackend;

static PROGRAMS: Programs = Programs {
    boot: start_engine,
    start_daemon: divisi::process::daemon::start_daemon,
    run_editor: divisi::process::foreground::run_editor,
    open_pull_request,
    scratch: Scratch { init: scratch::init, commit: scratch::commit, history: scratch::history },
    bench: Bench {
        list: divisi::bench::list,
        grade: divisi::bench::grade,
        report: divisi::bench::report,
        attempt: attempt_cases,
        validate: validate_cases,
        rerun: divisi::bench::rerun,
        shelve: divisi::bench::shelve,
        environments: divisi::bench::environments,
        find: divisi::bench::find,
        excerpt: divisi::bench::excerpt,
        interrupted: on_signal,
    },
    find: |name| which::which(name).ok(),
    others: &[("shim", shim), ("agent-script", agent_script), ("nvim", nvim), ("lsp", lsp)],
};

fn main() -> ExitCode {
    let code = divisi::cli::run(std::env::args_os().collect(), &PROGRAMS);
    ExitCode::from(u8::try_from(code).unwrap_or(70))
}

fn start_engine(paths: &Paths, config: &Config) -> Result<Running, Refusal> {
    let engine = boot::start(paths, &config.settings)?;
    Ok(Running { host: engine.host.clone(), stop: Box::pin(engine.stop()) })
}

fn shim(arguments: &[OsString]) -> i32 {
    divisi::process::shim_main(arguments)
}

fn agent_script(arguments: &[OsString]) -> i32 {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    divisi::agent::script_main(&arguments)
}

/// Runs of benchmarks in a directory.
struct Shelf(PathBuf);

impl BenchRuns for Shelf {
    fn list(&self) -> Vec<BenchRun> {
        shelf::list(&self.0)
    }

    fn open(&self, run: &str) -> Result<BenchRunDetail, Refusal> {
        // An absolute path is itself.
        shelf::open(&self.0.join(run))
    }

    fn artefact(&self, run: PathBuf, directory: &str, which: Artefact) -> Result<String, Refusal> {
        shelf::artefact(&run, directory, which)
    }
}

fn nvim(_: &[OsString]) -> i32 {
    log_to_stderr();
    let ended = Paths::from_environment().map_err(|error| std::io::Error::other(error.to_string())).and_then(|paths| {
        let shelf = Arc::new(Shelf(paths.state_dir.join("bench")));
        let backend = Arc::new(DaemonBackend { paths, start: divisi::process::daemon::start_daemon, face: "nvim" });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(divisi::nvim::run(backend, shelf)).map_err(std::io::Error::other);
        // Standard input is read by a thread that cannot be woken.
        runtime.shutdown_background();
        ended
    });
    if let Err(error) = &ended {
        tracing::error!("divisi nvim ended: {error}");
    }
    i32::from(ended.is_err())
}

/// How long an editor has to read the last that it is sent.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(500);

/// `--stdio`, which clients like to give, says what is so anyway.
fn lsp(_: &[OsString]) -> i32 {
    log_to_stderr();
    let ended = Paths::from_environment().map_err(|error| std::io::Error::other(error.to_string())).and_then(|paths| {
        let backend = Arc::new(DaemonBackend { paths, start: divisi::process::daemon::start_daemon, face: "lsp" });
        let (connection, threads) = lsp_server::Connection::stdio();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let end = runtime.block_on(divisi::lsp::run(backend, connection));
        runtime.shutdown_background();
        // Without an editor nobody reads what is still to be written, and nothing ends the thread that reads. One that lives may not
        // read either: it is not waited for long.
        if end != divisi::lsp::End::Orphaned {
            let (joined, written) = std::sync::mpsc::channel();
            std::thread::spawn(move || joined.send(threads.join()));
            if let Ok(result) = written.recv_timeout(LAST_WORDS) {
                result?;
            }
        }
        Ok(end)
    });
    match ended {
        Ok(divisi::lsp::End::Orderly) => 0,
        Ok(end) => {
            tracing::info!(?end, "the editor is gone");
            1
        }
        Err(error) => {
            tracing::error!("divisi lsp ended: {error}");
            1
        }
    }
}

/// The plugin writes what comes out there to its own log, with the time: `:Divisi log`.
fn log_to_stderr() {
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).without_time();
    // Fails only when something logs already.
    let _ = subscriber.with_max_level(tracing::Level::INFO).try_init();
}

fn open_pull_request(request: &PullRequest) -> Result<String, Refusal> {
    let gh = which::which("gh").map_err(|error| {
        Refusal::user(format!("failed to open a pull request: gh is needed and was not found: {error}"))
            .hint("divisi land SESSION --patch FILE")
    })?;
    let publication =
        Publication { common_dir: request.common_dir.as_ref(), commit: &request.commit, head: &request.head };
    let url = push(&publication)?;
    open_request(&gh, &url, &request.head, &request.base, &request.title, &request.body)
}

fn attempt_cases(
    request: &BenchRequest,
    solver: Solver<'_>,
    tell: Tell<'_>,
    stop: &AtomicBool,
) -> Result<Vec<Attempted>, Refusal> {
    divisi::bench::attempt(request, solver, &bench_jobs()?, tell, stop)
}

fn validate_cases(request: &BenchRequest, tell: Tell<'_>, stop: &AtomicBool) -> Result<Vec<Judged>, Refusal> {
    divisi::bench::validate(request, &bench_jobs()?, tell, stop)
}

/// What runs the commands of cases: beside the daemon's jobs, which only the daemon touches.
fn bench_jobs() -> Result<JobDriver, Refusal> {
    let paths = Paths::from_environment().map_err(|error| Refusal::environment(error.to_string()))?;
    Ok(JobDriver::new(&paths.state_dir.join("bench-jobs"), "/proc/self/exe".into(), &paths.runtime_dir))
}

/// Becomes true with Ctrl-C or SIGTERM: what runs is ended, and a second one ends this program.
fn on_signal() -> Result<Arc<AtomicBool>, Refusal> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Refusal::environment(format!("failed to wait for signals: {error}")))?;
    }
    Ok(stop)
}

//! One verb, one file: its arguments and what it does.

pub(crate) mod agents;
pub(crate) mod answer;
pub(crate) mod approvals;
pub(crate) mod batch;
pub(crate) mod bench;
pub(crate) mod combine;
pub(crate) mod comment;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod daemon;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod hunk;
pub(crate) mod land;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod new;
pub(crate) mod open;
pub(crate) mod option;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod queue;
pub(crate) mod remove;
pub(crate) mod restore;
pub(crate) mod review;
pub(crate) mod rewind;
pub(crate) mod schema;
pub(crate) mod send;
pub(crate) mod show;
pub(crate) mod stop;
pub(crate) mod timeline;
pub(crate) mod trust;
pub(crate) mod try_;
pub(crate) mod wait;

use crate::cli::args::Verb;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::model::Refusal;

/// How a verb ends.
pub(crate) type Outcome = Result<Exit, Refusal>;

/// Runs a verb to its end.
pub(crate) fn run(verb: Verb, context: &Context) -> Outcome {
    match verb {
        // These have no use for a daemon, or make their own runtime.
        Verb::Completions(args) => Ok(completions::run(&args)),
        Verb::Bench(args) => bench::run(args, context),
        Verb::Config(args) => config::run(&args, context),
        Verb::Schema(args) => schema::run(&args, context),
        Verb::Try(args) => try_::run(&args, context),
        Verb::Daemon(args) => daemon::run(&args, context),
        // Ctrl-C detaches, and says so.
        Verb::Batch(args) => block_on(batch::run(args, context)),
        Verb::Nvim(_) | Verb::Lsp(_) | Verb::Shim(_) | Verb::AgentScript(_) => {
            Err(Refusal::internal("this subcommand is not part of this build"))
        }
        other => on_runtime(with_daemon(other, context)),
    }
}

/// Runs a future on a runtime of one thread, until it is done or Ctrl-C.
pub(crate) fn on_runtime(work: impl Future<Output = Outcome>) -> Outcome {
    block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        }
    })
}

/// Runs a future on a runtime of one thread, until it is done.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::environment(format!("failed to start the runtime: {error}")))?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

async fn with_daemon(verb: Verb, context: &Context) -> Outcome {
    match verb {
        Verb::New(args) => new::run(args, context).await,
        Verb::List(args) => list::run(args, context).await,
        Verb::Show(args) => show::run(args, context).await,
        Verb::Log(args) => log::run(args, context).await,
        Verb::Wait(args) => wait::run(args, context).await,
        Verb::Send(args) => send::run(args, context).await,
        Verb::Stop(args) => stop::run(args, context).await,
        Verb::Remove(args) => remove::run(args, context).await,
        Verb::Restore(args) => restore::run(args, context).await,
        Verb::Open(args) => open::run(args, context).await,
        Verb::Diff(args) => diff::run(args, context).await,
        Verb::Timeline(args) => timeline::run(args, context).await,
        Verb::Rewind(args) => rewind::run(args, context).await,
        Verb::Compare(args) => compare::run(args, context).await,
        Verb::Combine(args) => combine::run(args, context).await,
        Verb::Accept(args) => hunk::accept(args, context).await,
        Verb::Reject(args) => hunk::reject(args, context).await,
        Verb::Undo(args) => hunk::undo(args, context).await,
        Verb::Comment(args) => comment::run(args, context).await,
        Verb::Comments(args) => comment::list(args, context).await,
        Verb::Review(args) => review::run(args, context).await,
        Verb::Approvals(args) => approvals::run(args, context).await,
        Verb::Answer(args) => answer::run(args, context).await,
        Verb::Eval(args) => eval::run(args, context).await,
        Verb::Preflight(args) => preflight::run(args, context).await,
        Verb::Land(args) => land::run(args, context).await,
        Verb::Queue(args) => queue::run(args, context).await,
        Verb::Option(args) => option::run(args, context).await,
        Verb::Policy(args) => policy::run(args, context).await,
        Verb::Trust(args) => trust::run(args, context).await,
        Verb::Agents(args) => agents::run(args, context).await,
        Verb::Doctor(args) => doctor::run(args, context).await,
        Verb::Try(_)
        | Verb::Batch(_)
        | Verb::Completions(_)
        | Verb::Config(_)
        | Verb::Schema(_)
        | Verb::Daemon(_)
        | Verb::Nvim(_)
        | Verb::Lsp(_)
        | Verb::Shim(_)
        | Verb::Bench(_)
        | Verb::AgentScript(_) => Err(Refusal::internal("this verb was to be run without a daemon")),
    }
}

//! Looks up what a query needs outside of the registry; runs on blocking threads.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::host::gap;
use crate::host::mend::LeftOut;
use crate::host::on_query::{DiffLookup, Lookup, encode};
use crate::host::port::{Listing, RepositoryFile, Store, Table};
use crate::host::run_batch;
use crate::host::run_effect::{Ports, of_repository};
use crate::host::run_report;
use crate::host::run_review;
use crate::host::{run_gates, run_timeline, timeline};
use crate::model::Refusal;
use crate::model::diff::{Diff, DiffRange, HunkDecision};
use crate::model::id::{HunkId, Oid, Seq, SessionId};
use crate::model::login::{Login, LoginState};
use crate::model::price::PriceTable;
use crate::model::query::{DiffSession, EventPage, Finding, RepositoryConfig, TurnUsage, UsageReport};
use crate::model::review::Review;
use crate::model::session::{Session, SessionView};
use crate::model::turn::Turn;
use crate::model::usage::Usage;
use crate::model::worktree::Worktree;
use crate::session::{cost, fold, state};

/// Events in a page when the client names no number, and at most.
const PAGE: (u32, u32) = (1_000, 10_000);

/// Answers a lookup.
pub(crate) fn answer(ports: &Ports, lookup: Lookup, prices: &PriceTable) -> Result<Value, Refusal> {
    match lookup {
        Lookup::Answer(answer) => answer,
        Lookup::Sessions { mut views, repository, removed } => {
            views.extend(removed_views(ports, &removed));
            if let Some(path) = repository {
                let facts = ports.git.inspect(&path)?;
                views.retain(|view| view.worktree.common_dir == facts.common_dir);
            }
            sort(&mut views);
            for view in &mut views {
                cost::price(view, prices);
            }
            encode(&views)
        }
        Lookup::Session { wanted, views, repository, removed, left_out } => {
            if let Some(left) = left_out.iter().find(|left| left.id.as_str() == wanted) {
                return Err(left.refusal());
            }
            let found = find_session(ports, &wanted, &views, repository.as_deref(), &removed);
            let named = left_out.iter().find(|left| left.name.as_ref() == Some(&wanted.to_lowercase()));
            let mut view = found.map_err(|refusal| named.map_or(refusal, LeftOut::refusal))?;
            cost::price(&mut view, prices);
            encode(&view)
        }
        Lookup::Usage { session, total } => encode(&usage(ports, &session, total, prices)?),
        Lookup::Diff(lookup) => {
            let DiffLookup { worktree, mut request, session, decisions, review, patch } = *lookup;
            request.range = run_review::resolve(request.range, &review);
            request.range = run_timeline::resolve_range(ports, &session, &request.range)?;
            diff(ports, &worktree, &request, session.turn, (&decisions, &review), patch)
        }
        Lookup::Timeline(session) => encode(&timeline::steps(ports.store.as_ref(), &session)?),
        Lookup::Compare(compared) => encode(&run_timeline::compare(ports, &compared)?),
        Lookup::Preflight { session, onto, others, strategy, gates } => {
            let mut found = ports.git.preflight(&session.worktree, onto.as_deref(), &others)?;
            found.strategy = strategy;
            run_gates::look(ports, &gates, &session, &mut found);
            encode(&found)
        }
        Lookup::BaseFile { worktree, path, round: 0 } => Ok(json!({ "text": ports.git.base_file(&worktree, &path)? })),
        Lookup::BaseFile { worktree, path, round } => {
            Ok(json!({ "text": ports.git.round_file(&worktree, round, &path)? }))
        }
        Lookup::Review { session, range, message } => run_review::show(ports, &session, range, message),
        Lookup::Comments { worktree, comments } => {
            encode(&run_review::placed(ports.git.as_ref(), &worktree, &comments))
        }
        Lookup::Events(list) => {
            let limit = list.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1) as usize;
            let head = ports.store.head();
            let begin = match (&list.session, list.last) {
                (Some(session), Some(count)) => ports.store.before_last(session, count)?,
                _ => Seq(0),
            };
            let events = gap::events(ports.store.as_ref(), list.after.max(begin), list.session.as_ref(), limit)?;
            encode(&EventPage { events, head })
        }
        Lookup::Agents { repository, probe, set, trust, profiles } => {
            let found = repository.map(|path| trusted_config(ports, &path, &trust)).transpose()?;
            let file = found.as_ref().and_then(|config| {
                Some(RepositoryFile { path: config.path.as_deref()?, text: &config.text, trusted: config.trusted })
            });
            let mut views = ports.agents.list(&Listing { repository: file, probe, set: set.as_ref() });
            for view in &mut views {
                let Some((profile, credentials)) = profiles.get(&view.name) else { continue };
                view.profile = Some(profile.clone());
                if view.login.state != LoginState::Yes && !credentials.is_empty() {
                    let because = Some(format!("the profile {profile} gives {}", credentials.join(", ")));
                    view.login = Login { state: LoginState::Yes, because, hint: None };
                }
            }
            encode(&views)
        }
        Lookup::RepositoryConfig { repository, trust } => encode(&trusted_config(ports, &repository, &trust)?),
        Lookup::Doctor { repositories, mends } => {
            encode(&mends.into_iter().chain(scan(ports, repositories)).collect::<Vec<_>>())
        }
        Lookup::Batches(live) => run_batch::list(ports, &live),
        Lookup::Batch { live, wanted } => encode(&run_batch::find_batch(ports, &live, &wanted)?.detail()),
        Lookup::Export { live, wanted, format } => {
            let snapshot = run_batch::find_batch(ports, &live, &wanted)?;
            Ok(run_batch::text(&run_report::report(ports, &snapshot, format)?))
        }
        Lookup::Cases(request) => encode(&run_batch::check_cases(&request)),
        Lookup::Plan(request, configured) => encode(&run_batch::check(ports, &request, &configured)),
        Lookup::Variables(_) => Err(Refusal::internal("the names of variables were not looked up")),
        Lookup::Status => Err(Refusal::internal("the status was not completed")),
    }
}

/// A repository's file, and whether exactly that is trusted.
fn trusted_config(ports: &Ports, path: &str, trust: &BTreeMap<String, String>) -> Result<RepositoryConfig, Refusal> {
    let facts = ports.git.inspect(path)?;
    let mut config = ports.git.repository_config(path)?;
    config.trusted = config.path.is_some() && trust.get(&facts.common_dir) == Some(&config.digest);
    Ok(config)
}

/// What needs attention first, then what changed last.
fn sort(views: &mut [SessionView]) {
    views.sort_by(|a, b| {
        let rank = |view: &SessionView| (view.removed, state::attention_rank(view.state, view.unread));
        rank(a).cmp(&rank(b)).then(b.updated_at.cmp(&a.updated_at)).then(a.id.cmp(&b.id))
    });
}

fn removed_views(ports: &Ports, removed: &[SessionId]) -> Vec<SessionView> {
    let mut views = Vec::new();
    for id in removed {
        // One that is damaged must not hide the others; doctor names it.
        match stored_session(ports.store.as_ref(), id) {
            Ok(Some(session)) => views.push(state::view(&session, &[])),
            Ok(None) => {}
            Err(refusal) => tracing::error!(%refusal, "a removed session cannot be read"),
        }
    }
    views
}

/// A removed session from its row or, when that is damaged, from its events.
pub(crate) fn stored_session(store: &dyn Store, id: &SessionId) -> Result<Option<Session>, Refusal> {
    let read = store.row(Table::Sessions, id.as_str()).and_then(|row| {
        let Some(doc) = row.and_then(|row| row.doc) else { return Ok(None) };
        serde_json::from_str(&doc)
            .map(Some)
            .map_err(|error| Refusal::internal(format!("failed to read session {id} from the store: {error}")))
    });
    read.or_else(|refusal| {
        tracing::error!(%refusal, "a removed session is made again from its events");
        let (mut events, mut after) = (Vec::new(), Seq(0));
        loop {
            let page = store.events(after, Some(id), 2000)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            events.extend(page);
        }
        fold::rebuild(&events).map(Some).ok_or(refusal)
    })
}

/// The one session that a person means: its id, a unique prefix of it, or its name, here first.
fn find_session(
    ports: &Ports,
    wanted: &str,
    views: &[SessionView],
    repository: Option<&str>,
    removed: &[SessionId],
) -> Result<SessionView, Refusal> {
    let shown = crate::base::text::visible_line(wanted, 60);
    if let Some(view) = views.iter().find(|view| view.id.as_str() == wanted) {
        return Ok(view.clone());
    }
    if wanted.len() == 10
        && let Some(id) = removed.iter().find(|id| id.as_str() == wanted)
        && let Some(session) = stored_session(ports.store.as_ref(), id)?
    {
        return Ok(state::view(&session, &[]));
    }
    let named: Vec<_> = views.iter().filter(|view| view.name == wanted).collect();
    if named.len() == 1 {
        return Ok(named[0].clone());
    }
    if named.len() > 1 {
        if let Some(path) = repository
            && let Ok(facts) = ports.git.inspect(path)
            && let Some(view) = named.iter().find(|view| view.worktree.common_dir == facts.common_dir)
        {
            return Ok((*view).clone());
        }
        let mut refusal = Refusal::user(format!("several repositories have a session '{shown}'"));
        for view in named {
            refusal = refusal.hint(format!("{}   ({})", view.id, view.repository));
        }
        return Err(refusal);
    }
    let begins: Vec<_> =
        views.iter().filter(|view| !wanted.is_empty() && view.id.as_str().starts_with(wanted)).collect();
    match begins.as_slice() {
        [view] => return Ok((*view).clone()),
        [_, _, ..] => {
            let mut refusal = Refusal::user(format!("several sessions' ids begin with '{shown}'"));
            for view in begins {
                refusal = refusal.hint(format!("{}   ({})", view.id, view.name));
            }
            return Err(refusal);
        }
        [] => {}
    }
    let mut past: Vec<_> = removed_views(ports, removed).into_iter().filter(|view| view.name == wanted).collect();
    past.sort_by_key(|view| std::cmp::Reverse(view.updated_at));
    past.into_iter().next().ok_or_else(|| Refusal::user(format!("there is no session '{shown}'")).hint("divisi list"))
}

/// What a session used, turn by turn, with what can be estimated of its cost.
fn usage(
    ports: &Ports,
    session: &SessionId,
    total: Option<Usage>,
    prices: &PriceTable,
) -> Result<UsageReport, Refusal> {
    let mut report = UsageReport { session: total.unwrap_or_default(), turns: Vec::new() };
    for row in ports.store.rows_of(Table::Usage, session)? {
        let Ok(mut usage) = serde_json::from_str::<Usage>(&row.doc.unwrap_or_default()) else { continue };
        let turn = row.key.rsplit_once(".t").and_then(|(_, number)| number.parse().ok());
        if let Some(turn) = turn {
            cost::estimate(&mut usage, prices);
            report.turns.push(TurnUsage { turn, usage });
        } else if report.session == Usage::default() {
            report.session = usage;
        }
    }
    report.turns.sort_by_key(|turn| turn.turn);
    cost::estimate(&mut report.session, prices);
    Ok(report)
}

fn diff(
    ports: &Ports,
    worktree: &Worktree,
    request: &DiffSession,
    newest: Option<Turn>,
    (decisions, review): (&BTreeMap<HunkId, HunkDecision>, &Review),
    patch: bool,
) -> Result<Value, Refusal> {
    let turn = match &request.range {
        DiffRange::Turn { number } => Some(turn_commits(ports, &request.session, *number, newest)?),
        DiffRange::Session | DiffRange::Uncommitted | DiffRange::Round { .. } | DiffRange::Checkpoints { .. } => None,
    };
    let turn = turn.as_ref().map(|(from, to)| (from, to));
    if patch {
        return Ok(json!({ "patch": ports.git.patch(worktree, &request.range, turn)? }));
    }
    let mut diff: Diff = ports.git.diff(worktree, &request.range, turn, request.stat_only)?;
    run_review::annotate(&mut diff, decisions, review);
    encode(&diff)
}

/// The commits around a turn.
fn turn_commits(ports: &Ports, session: &SessionId, number: u32, newest: Option<Turn>) -> Result<(Oid, Oid), Refusal> {
    let turn = match newest.filter(|turn| turn.number == number) {
        Some(turn) => Some(turn),
        None => match ports.store.row(Table::Turns, &format!("{session}.t{number}"))?.and_then(|row| row.doc) {
            Some(doc) => serde_json::from_str(&doc)
                .map_err(|error| Refusal::internal(format!("failed to read turn {number} of {session}: {error}")))?,
            None => None,
        },
    };
    let Some(turn) = turn else {
        return Err(Refusal::user(format!("there is no turn {number}")).hint(format!("divisi show {session}")));
    };
    if turn.ended_at.is_none() {
        return Err(Refusal::conflict(format!("turn {number} still runs")).hint("divisi diff SESSION"));
    }
    let to = timeline::end_of(&turn).unwrap_or_else(|| turn.from.clone());
    Ok((turn.from, to))
}

/// What is wrong with the database.
fn database(ports: &Ports) -> Vec<Finding> {
    let path = ports.store.path();
    let finding = |message: String, hint: String| Finding {
        kind: "database".to_owned(),
        level: "error".to_owned(),
        message,
        repository: None,
        subject: Some(path.clone()),
        fix: None,
        hint: Some(hint),
    };
    let blocked = ports.store.blocked().map(|why| finding(why, "free some disk space, or check the disk".to_owned()));
    let restore = format!("restore {path} from a copy; sessions' work is safe in their git branches");
    let damage = match ports.store.verify() {
        Ok(damage) => damage,
        Err(refusal) => vec![refusal.message],
    };
    blocked.into_iter().chain(damage.into_iter().map(|what| finding(what, restore.clone()))).collect()
}

/// What is wrong with the database and in repositories; a repository that cannot be looked at is itself a finding.
fn scan(ports: &Ports, repositories: BTreeMap<String, Vec<Worktree>>) -> Vec<Finding> {
    let mut findings = database(ports);
    findings.extend(ports.agents.findings());
    for (path, known) in repositories {
        let found = ports.git.inspect(&path).and_then(|facts| {
            let known = of_repository(&facts, known);
            ports.git.scan(&facts.repository, &known)
        });
        match found {
            Ok(found) => findings.extend(found),
            Err(refusal) => findings.push(Finding {
                kind: "repository".to_owned(),
                level: "error".to_owned(),
                message: refusal.message,
                repository: Some(path),
                subject: None,
                fix: None,
                hint: refusal.hints.into_iter().next(),
            }),
        }
    }
    findings
}

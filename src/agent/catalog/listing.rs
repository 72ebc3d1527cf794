//! What the catalog tells about agents: the list, with what is known of each program, and what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::text::visible_line;
use crate::host::port::{Listing, RepositoryFile};
use crate::model::agent::{AgentView, Protocol};
use crate::model::login::{Login, Probe};
use crate::model::query::Finding;

use super::Catalog;
use super::definition::DefinitionFile;
use super::entry::{Entry, merge};
use super::probe::Question;

/// Variables of the daemon's with which programs are asked for their versions.
const PROBED_WITH: &[&str] = &[
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "NVM_DIR",
    "VOLTA_HOME",
    "TMPDIR",
];

impl Catalog {
    /// Every agent, by name.
    pub(super) fn listed(&self, listing: &Listing<'_>) -> Vec<AgentView> {
        if listing.probe {
            let mut questions: Vec<Question> = self.entries.values().filter_map(|entry| self.question(entry)).collect();
            if let Some(file) = listing.repository.filter(|file| file.trusted) {
                let definitions = DefinitionFile::parse_repository(file.text).unwrap_or_default();
                let entries = definitions.into_iter().filter_map(|(name, definition)| {
                    merge(definition, self.entries.get(&name), file.path, &self.own_exe).ok()
                });
                questions.extend(entries.filter_map(|entry| self.question(&entry)));
            }
            self.answers.ask(&questions);
        }
        let mut views: Vec<AgentView> =
            self.entries.iter().map(|(name, entry)| self.view(name, entry, listing.set)).collect();
        self.add_useless(&mut views);
        if let Some(file) = listing.repository {
            self.add_repository(&mut views, file, listing.set);
        }
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// What is wrong with definitions, and with the versions of what is installed.
    pub(super) fn found(&self) -> Vec<Finding> {
        let listed = self.listed(&Listing { probe: true, ..Listing::default() });
        let mut findings = self.findings.clone();
        let mut seen = BTreeSet::new();
        for view in listed {
            let (Some(path), Some(Probe { version: Some(version), problems, .. })) = (view.path, view.probe) else {
                continue;
            };
            if !seen.insert(path.clone()) {
                continue;
            }
            findings.extend(problems.into_iter().map(|problem| Finding {
                kind: "agent_version".to_owned(),
                level: "warning".to_owned(),
                message: format!("{} {version} is known to be bad ({}): {}", view.name, problem.versions, problem.what),
                repository: None,
                subject: Some(path.clone()),
                fix: None,
                hint: Some(problem.remedy),
            }));
        }
        findings
    }

    /// What an agent's program is asked; absent when it is not installed, or is divisi itself.
    pub(super) fn question(&self, entry: &Entry) -> Option<Question> {
        let path = self.program(entry)?;
        if path == self.own_exe || entry.protocol == Protocol::Shell {
            return None;
        }
        let program = path.file_name()?.to_string_lossy().into_owned();
        let mut environment: BTreeMap<String, String> = self
            .environment
            .iter()
            .filter(|(name, _)| PROBED_WITH.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        environment.extend(entry.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(Question { path, program, arguments: entry.version.clone(), environment })
    }

    fn view(&self, name: &str, entry: &Entry, set: Option<&BTreeSet<String>>) -> AgentView {
        let path = self.program(entry).map(|path| path.display().to_string());
        let probe = self.question(entry).and_then(|question| self.answers.known(&question));
        AgentView {
            name: name.to_owned(),
            description: visible_line(&entry.description, 200),
            protocol: entry.protocol,
            literal: entry.literal,
            command: entry.command.clone(),
            installed: path.is_some(),
            path,
            source: entry.source.clone(),
            install_hint: entry.install_hint.as_deref().map(|hint| visible_line(hint, 300)),
            probe,
            login: entry.login.check(&self.environment, set),
            profile: None,
            ignored: None,
        }
    }

    /// Adds to a list what a repository's file says about agents: used when it is trusted, else named.
    fn add_repository(&self, views: &mut Vec<AgentView>, file: RepositoryFile<'_>, set: Option<&BTreeSet<String>>) {
        let definitions = match DefinitionFile::parse_repository(file.text) {
            Ok(definitions) => definitions,
            Err(reason) => {
                tracing::warn!(path = file.path, reason, "a repository's agents cannot be read");
                return;
            }
        };
        for (name, definition) in definitions {
            let known = views.iter().position(|view| view.name == name);
            let entry = merge(definition, self.entries.get(&name), file.path, &self.own_exe);
            let why = match &entry {
                Ok(_) if file.trusted => None,
                Ok(_) => Some(format!("{} defines it and is not trusted: divisi trust", file.path)),
                Err(reason) => Some(format!("{}: [agents.{name}]: {}", file.path, visible_line(reason, 200))),
            };
            match (why, known, entry) {
                (None, known, Ok(entry)) => {
                    let view = self.view(&name, &entry, set);
                    match known {
                        Some(index) => views[index] = view,
                        None => views.push(view),
                    }
                }
                (Some(why), Some(index), _) => views[index].ignored = Some(why),
                (Some(why), None, Ok(entry)) => {
                    // Nothing of it is looked up, let alone run.
                    let view = AgentView {
                        path: None,
                        installed: false,
                        ignored: Some(why),
                        probe: None,
                        ..self.view(&name, &entry, set)
                    };
                    views.push(view);
                }
                (_, _, Err(_)) => {}
            }
        }
    }

    /// Adds to a list the user's files that are of no use, each to the agent it is named after.
    fn add_useless(&self, views: &mut Vec<AgentView>) {
        for (stem, source, why) in &self.useless {
            let why = Some(visible_line(why, 400));
            match views.iter_mut().find(|view| view.name == *stem) {
                Some(view) => view.ignored = why,
                None => views.push(AgentView {
                    name: visible_line(stem, 64),
                    description: "a definition that is of no use".to_owned(),
                    protocol: Protocol::Shell,
                    literal: false,
                    command: Vec::new(),
                    path: None,
                    installed: false,
                    source: source.clone(),
                    install_hint: None,
                    probe: None,
                    login: Login::default(),
                    profile: None,
                    ignored: why,
                }),
            }
        }
    }
}

//! What the server counts, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// Counters since the start. Their labels come from the configuration and from this program, never
/// from clients, so there are few.
#[derive(Debug, Default)]
pub struct Metrics {
    decisions: Mutex<BTreeMap<[String; 3], u64>>,
    refused_requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl Metrics {
    /// Counts a decision of a bouncer.
    pub fn count_decision(&self, service: &str, bouncer: &str, decision: &str) {
        let labels = [service, bouncer, decision].map(str::to_owned);
        *lock(&self.decisions).entry(labels).or_default() += 1;
    }

    /// Counts a request that no bouncer was asked about, with the reason.
    pub fn count_refused_request(&self, reason: &'static str) {
        *lock(&self.refused_requests).entry(reason).or_default() += 1;
    }

    /// Writes all counters.
    pub fn render(&self, connections: usize) -> String {
        let mut text = String::new();
        let mut describe = |name: &str, kind: &str, help: &str, lines: Vec<(String, u64)>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let decisions = lock(&self.decisions);
        let labels = |[service, bouncer, decision]: &[String; 3]| {
            let bouncer = bouncer.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            format!("{{service=\"{service}\",bouncer=\"{bouncer}\",decision=\"{decision}\"}}")
        };
        let lines = decisions.iter().map(|(key, value)| (labels(key), *value)).collect();
        describe("keyward_decisions_total", "counter", "Decisions of bouncers.", lines);
        let refused = lock(&self.refused_requests);
        let lines = refused.iter().map(|(why, value)| (format!("{{reason=\"{why}\"}}"), *value));
        let help = "Requests of web servers that no bouncer was asked about.";
        describe("keyward_refused_requests_total", "counter", help, lines.collect());
        let open = vec![(String::new(), connections as u64)];
        describe("keyward_open_connections", "gauge", "Connections that are open.", open);
        text
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

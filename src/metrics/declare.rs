//! Registers metrics of each kind, and keeps what was declared.

use std::cell::RefCell;

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricType;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// One metric as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// As scraped; a histogram's series add `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// What sort of metric it is.
    pub kind: Kind,
    /// Names of its labels; a histogram's buckets have `le` too.
    pub labels: Vec<String>,
    /// What it tells.
    pub help: String,
}

/// A sort of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Kind {
    /// As in the text format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Registers metrics; all names and labels are constants of this room, so none can be refused.
pub(super) struct Declare<'a> {
    registry: &'a Registry,
    declared: RefCell<Vec<Declaration>>,
}

impl<'a> Declare<'a> {
    pub(super) fn on(registry: &'a Registry) -> Self {
        Self {
            registry,
            declared: RefCell::default(),
        }
    }

    /// All that was declared, by name.
    pub(super) fn finish(self) -> Vec<Declaration> {
        let mut declared = self.declared.into_inner();
        declared.sort_by(|one, other| one.name.cmp(&other.name));
        declared
    }

    fn register<C: Collector + Clone + 'static>(
        &self,
        kind: Kind,
        metric: prometheus::Result<C>,
    ) -> C {
        let metric = metric.expect("names and labels are valid");
        let described = metric.desc().into_iter().map(|metric| Declaration {
            name: metric.fq_name.clone(),
            kind,
            labels: metric.variable_labels.clone(),
            help: metric.help.clone(),
        });
        self.declared.borrow_mut().extend(described);
        self.registry
            .register(Box::new(metric.clone()))
            .expect("names are unique");
        metric
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counters = IntCounterVec::new(Opts::new(name, help), labels);
        self.register(Kind::Counter, counters)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauges = IntGaugeVec::new(Opts::new(name, help), labels);
        self.register(Kind::Gauge, gauges)
    }

    pub(super) fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        let gauges = GaugeVec::new(Opts::new(name, help), labels);
        self.register(Kind::Gauge, gauges)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(Kind::Gauge, IntGauge::new(name, help))
    }

    pub(super) fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let opts = HistogramOpts::new(name, help).buckets(super::LATENCY_BUCKETS.to_vec());
        self.register(Kind::Histogram, HistogramVec::new(opts, labels))
    }

    pub(super) fn build_info(&self) {
        let info = self.gauges(
            "kmirror_build_info",
            "1, labelled with the version and the commit of the binary.",
            &["version", "commit"],
        );
        let commit = env!("KMIRROR_COMMIT");
        info.with_label_values(&[env!("CARGO_PKG_VERSION"), commit])
            .set(1);
    }

    pub(super) fn process(&self) {
        let process = ProcessCollector::for_self();
        let described = process.collect().into_iter().map(|family| Declaration {
            name: family.name().to_owned(),
            kind: match family.get_field_type() {
                MetricType::COUNTER => Kind::Counter,
                _ => Kind::Gauge,
            },
            labels: Vec::new(),
            help: family.help().to_owned(),
        });
        self.declared.borrow_mut().extend(described);
        self.registry
            .register(Box::new(process))
            .expect("names are unique");
    }
}

//! Registers metrics of each kind.

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Registers metrics; all names and labels are constants of this file, so none can be refused.
pub(super) struct Declare<'a>(pub(super) &'a Registry);

impl Declare<'_> {
    fn register<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: prometheus::Result<C>,
    ) -> C {
        let metric = metric.expect("names and labels are valid");
        self.0
            .register(Box::new(metric.clone()))
            .expect("names are unique");
        metric
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.register(IntCounterVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.register(GaugeVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.register(IntGauge::new(name, help))
    }

    pub(super) fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let opts = HistogramOpts::new(name, help).buckets(super::LATENCY_BUCKETS.to_vec());
        self.register(HistogramVec::new(opts, labels))
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
        let process = prometheus::process_collector::ProcessCollector::for_self();
        self.0
            .register(Box::new(process))
            .expect("names are unique");
    }
}

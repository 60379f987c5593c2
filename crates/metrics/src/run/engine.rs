//! The settings under which every plan runs: two partitions, one bounded pool
//! of memory for all of them. It must not know what is asked.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_execution::TaskContext;
use datafusion_execution::config::SessionConfig;
use datafusion_execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion_execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion_physical_plan::{ExecutionPlan, collect};

use crate::error::Result;
use crate::run::memo::Memo;

/// Memory of all questions together when nothing else is said.
pub const MEMORY_BYTES: usize = 1_500_000_000;
pub(crate) const PARTITIONS: usize = 2;
const BATCH_ROWS: usize = 16_384;

/// Shared by all questions; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    runtime: Arc<RuntimeEnv>,
    config: SessionConfig,
    memo: Arc<Memo>,
}

impl Engine {
    pub fn new(memory_bytes: usize) -> Result<Self> {
        let top = NonZeroUsize::new(3).expect("three is not zero");
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory_bytes), top);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .build_arc()?;
        let mut config = SessionConfig::new()
            .with_target_partitions(PARTITIONS)
            .with_batch_size(BATCH_ROWS);
        // A group per customer hardly shrinks in the first step: after this
        // share of distinct keys the step only passes rows on.
        config
            .options_mut()
            .execution
            .skip_partial_aggregation_probe_ratio_threshold = 0.3;
        Ok(Engine {
            runtime,
            config,
            memo: Arc::default(),
        })
    }

    pub(crate) async fn collect(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>> {
        Ok(collect(plan, self.task()).await?)
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    fn task(&self) -> Arc<TaskContext> {
        Arc::new(TaskContext::new(
            None,
            "keji".to_owned(),
            self.config.clone(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            self.runtime.clone(),
        ))
    }
}

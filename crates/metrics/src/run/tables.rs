//! The building blocks of a physical plan: a table read from its files, a
//! small table joined, rows filtered, rows aggregated. It must not know
//! metrics or periods.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::{JoinType, NullEquality, ScalarValue};
use datafusion_datasource::PartitionedFile;
use datafusion_datasource::file_groups::FileGroup;
use datafusion_datasource::file_scan_config::FileScanConfigBuilder;
use datafusion_datasource::source::DataSourceExec;
use datafusion_datasource_parquet::source::ParquetSource;
use datafusion_execution::object_store::ObjectStoreUrl;
use datafusion_functions_aggregate::{count, min_max, percentile_cont, sum};
use datafusion_physical_expr::Partitioning;
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::{Column, Literal};
use datafusion_physical_plan::ExecutionPlan;
use datafusion_physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion_physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion_physical_plan::empty::EmptyExec;
use datafusion_physical_plan::filter::FilterExec;
use datafusion_physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion_physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion_physical_plan::repartition::RepartitionExec;
use keji_schema::Catalog;
use keji_schema::metric::Agg;
use object_store::path::Path;

use crate::copy::DataFile;
use crate::error::{Error, Result};
use crate::expr::{Physical, arrow_type, cast};
use crate::plan::source::copied;
use crate::run::engine::PARTITIONS;

pub(crate) type Stage = Arc<dyn ExecutionPlan>;

/// These columns of an object's files.
pub(crate) fn table(
    catalog: &Catalog,
    object: &str,
    columns: &[String],
    files: &[DataFile],
) -> Result<Stage> {
    let schema = file_schema(catalog, object)?;
    let indices = columns.iter().map(|c| schema.index_of(c));
    let indices = indices.collect::<std::result::Result<Vec<_>, _>>()?;
    if files.is_empty() {
        return Ok(Arc::new(EmptyExec::new(Arc::new(
            schema.project(&indices)?,
        ))));
    }
    let source = Arc::new(ParquetSource::new(schema));
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_file_groups(split(files)?)
        .with_projection_indices(Some(indices))?
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// The rows with fields of the records they link to; a row without such a
/// record keeps nulls. `small` has the column `id` first.
pub(crate) fn join(rows: Stage, small: Stage, on: &str) -> Result<Stage> {
    let key = column(&rows, on)?;
    let id = column(&small, "id")?;
    let n_small = small.schema().fields().len();
    let n_rows = rows.schema().fields().len();
    // The rows' columns first, then the new ones without the id.
    let keep = (n_small..n_small + n_rows).chain(1..n_small).collect();
    let join = HashJoinExec::try_new(
        Arc::new(CoalescePartitionsExec::new(small)),
        rows,
        vec![(id, key)],
        None,
        &JoinType::Right,
        Some(keep),
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        false,
    )?;
    Ok(Arc::new(join))
}

/// Rows of `all` whose key is among `firsts`, with that key's last column as
/// `$first`. A null dimension equals itself.
pub(crate) fn same_keys(firsts: Stage, all: Stage, keys: &[String]) -> Result<Stage> {
    let mut on = Vec::new();
    for key in keys {
        on.push((column(&firsts, key)?, column(&all, key)?));
    }
    let n = firsts.schema().fields().len();
    let keep = (n..n + all.schema().fields().len())
        .chain([n - 1])
        .collect();
    let joined: Stage = Arc::new(HashJoinExec::try_new(
        Arc::new(CoalescePartitionsExec::new(firsts)),
        all,
        on,
        None,
        &JoinType::Inner,
        Some(keep),
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNull,
        false,
    )?);
    let fields = joined.schema().fields().clone();
    let named = fields.iter().enumerate().map(|(i, field)| {
        let name = if i + 1 == fields.len() {
            "$first"
        } else {
            field.name()
        };
        (
            Arc::new(Column::new(field.name(), i)) as Physical,
            name.to_owned(),
        )
    });
    project(joined, named.collect())
}

pub(crate) fn filter(rows: Stage, predicate: Physical) -> Result<Stage> {
    Ok(Arc::new(FilterExec::try_new(predicate, rows)?))
}

pub(crate) fn project(rows: Stage, columns: Vec<(Physical, String)>) -> Result<Stage> {
    let columns = columns
        .into_iter()
        .map(|(expr, alias)| ProjectionExpr { expr, alias });
    Ok(Arc::new(ProjectionExec::try_new(columns, rows)?))
}

/// One aggregate of a grouping.
pub(crate) struct Aggregate {
    pub name: String,
    pub agg: Agg,
    /// `None` counts rows.
    pub arg: Option<Physical>,
    pub filter: Option<Physical>,
}

/// Groups rows. `many` says that there may be nearly as many groups as rows:
/// then the second step runs on both partitions, each with its own keys.
pub(crate) fn aggregate(
    rows: Stage,
    keys: Vec<(Physical, String)>,
    aggregates: Vec<Aggregate>,
    many: bool,
) -> Result<Stage> {
    let schema = rows.schema();
    let filters: Vec<_> = aggregates.iter().map(|a| a.filter.clone()).collect();
    let exprs = aggregates.into_iter().map(|a| expression(a, &schema));
    let exprs = exprs.collect::<Result<Vec<_>>>()?;
    let group = PhysicalGroupBy::new_single(keys);
    let step = |mode, group: PhysicalGroupBy, filters, rows| {
        AggregateExec::try_new(mode, group, exprs.clone(), filters, rows, schema.clone())
    };
    if rows.properties().output_partitioning().partition_count() == 1 {
        return Ok(Arc::new(step(AggregateMode::Single, group, filters, rows)?));
    }
    let last = group.as_final();
    let no_filters = vec![None; exprs.len()];
    let partial: Stage = Arc::new(step(AggregateMode::Partial, group, filters, rows)?);
    if many && !last.is_empty() {
        let by = last.expr().iter().map(|(key, _)| key.clone()).collect();
        let by = Partitioning::Hash(by, PARTITIONS);
        let split = Arc::new(RepartitionExec::try_new(partial, by)?);
        return Ok(Arc::new(step(
            AggregateMode::FinalPartitioned,
            last,
            no_filters,
            split,
        )?));
    }
    let one = Arc::new(CoalescePartitionsExec::new(partial));
    Ok(Arc::new(step(AggregateMode::Final, last, no_filters, one)?))
}

pub(crate) fn column(rows: &Stage, name: &str) -> Result<Physical> {
    Ok(Arc::new(Column::new_with_schema(name, &rows.schema())?))
}

fn expression(aggregate: Aggregate, schema: &SchemaRef) -> Result<Arc<AggregateFunctionExpr>> {
    let function = match aggregate.agg {
        Agg::Sum => sum::sum_udaf(),
        Agg::Count | Agg::CountDistinct => count::count_udaf(),
        Agg::Min => min_max::min_udaf(),
        Agg::Max => min_max::max_udaf(),
        Agg::Median | Agg::P75 | Agg::P90 => percentile_cont::percentile_cont_udaf(),
        Agg::Avg => {
            return Err(Error::Overflow(
                "an average is no mergeable state".to_owned(),
            ));
        }
    };
    let one = || Arc::new(Literal::new(ScalarValue::Int64(Some(1)))) as Physical;
    let distinct = aggregate.agg == Agg::CountDistinct;
    let mut arg = aggregate.arg.unwrap_or_else(one);
    // Of whole numbers DataFusion counts all groups' distinct values in one
    // table; of anything else it keeps a set for each group.
    if distinct && arg.data_type(schema)? == DataType::Date32 {
        arg = cast(arg, DataType::Int32);
    }
    let mut args = vec![arg];
    if let Some(q) = aggregate.agg.quantile() {
        // Of whole numbers DataFusion would round what lies between two.
        args[0] = cast(args[0].clone(), DataType::Float64);
        args.push(Arc::new(Literal::new(ScalarValue::Float64(Some(q)))));
    }
    let made = AggregateExprBuilder::new(function, args)
        .schema(schema.clone())
        .alias(aggregate.name)
        .with_distinct(distinct)
        .build()?;
    Ok(Arc::new(made))
}

/// Nullable throughout: what a field requires is the store's business.
fn file_schema(catalog: &Catalog, object: &str) -> Result<SchemaRef> {
    let copy = copied(catalog, object)?;
    let stored = |kind| match arrow_type(kind) {
        DataType::Decimal128(..) => DataType::Decimal128(18, 4),
        other => other,
    };
    let fields = copy
        .columns
        .iter()
        .map(|c| Field::new(&c.name, stored(c.kind), true));
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// The files as one group for each partition, of about equal size.
fn split(files: &[DataFile]) -> Result<Vec<FileGroup>> {
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); PARTITIONS];
    for file in files {
        let absolute = std::path::absolute(&file.path).map_err(Error::file(&file.path))?;
        let location = Path::from_absolute_path(&absolute)
            .map_err(|e| Error::content(&file.path, e.to_string()))?;
        let made = PartitionedFile::new(String::new(), file.n_bytes);
        let mut meta = made.object_meta;
        meta.location = location;
        let lightest = groups.iter_mut().min_by_key(|(bytes, _)| *bytes);
        let (bytes, group) = lightest.expect("there is at least one partition");
        *bytes += file.n_bytes;
        group.push(PartitionedFile::new_from_meta(meta));
    }
    let filled = groups
        .into_iter()
        .map(|(_, files)| files)
        .filter(|files| !files.is_empty());
    Ok(filled.map(FileGroup::new).collect())
}

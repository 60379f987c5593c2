//! The three text functions that DataFusion does not have in our sense: ASCII
//! case and length in characters.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion_physical_expr::ScalarFunctionExpr;
use keji_schema::expr::Function;

use crate::error::Result;
use crate::expr::Physical;

pub(super) fn call(function: Function, text: Physical, schema: &Schema) -> Result<Physical> {
    let of = match function {
        Function::Lower => Of::Lower,
        Function::Upper => Of::Upper,
        _ => Of::Length,
    };
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    let function = Arc::new(ScalarUDF::new_from_impl(TextFunction { of, signature }));
    let config = Arc::new(ConfigOptions::default());
    Ok(Arc::new(ScalarFunctionExpr::try_new(
        function,
        vec![text],
        schema,
        config,
    )?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Lower,
    Upper,
    Length,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextFunction {
    of: Of,
    signature: Signature,
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        match self.of {
            Of::Lower => "lower_ascii",
            Of::Upper => "upper_ascii",
            Of::Length => "length",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion_common::Result<DataType> {
        Ok(if self.of == Of::Length {
            DataType::Int64
        } else {
            DataType::Utf8
        })
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion_common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let text = arrays[0].as_string::<i32>();
        let made: ArrayRef = match self.of {
            Of::Lower => Arc::new(mapped(text, str::to_ascii_lowercase)),
            Of::Upper => Arc::new(mapped(text, str::to_ascii_uppercase)),
            Of::Length => {
                let lengths = text.iter().map(|t| t.map(|t| t.chars().count() as i64));
                Arc::new(lengths.collect::<Int64Array>())
            }
        };
        Ok(ColumnarValue::Array(made))
    }
}

fn mapped(text: &StringArray, change: fn(&str) -> String) -> StringArray {
    text.iter().map(|t| t.map(change)).collect()
}

//! A tiny Gemma 3 that writes the tokens that it was given, whatever it is asked.
//!
//! What a model of random weights writes cannot be chosen. Who asks what becomes of certain tokens needs them written by
//! the engine itself, and here the weights do it: no rule in the engine knows of them.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Norm weight that makes what follows a token far louder than the token itself, which stands beside it.
const LOUD: f32 = 9.0;

/// Norm weight that takes a part out of the sum: Gemma's norms multiply by one more than their weight.
const SILENT: f32 = -1.0;

/// Changes the weights of a folder that [`crate::gemma3::write_checkpoint`] wrote: where a prompt ends in the first of
/// `tokens`, the model writes the second, then the third, and so on; after the last it writes that one again. `words` is
/// the number of tokens that the folder's tokenizer has.
///
/// Every token has a direction of its own, and the first layer's MLP turns each direction into the next one. Attention and
/// the other layers add nothing, so that only the newest token counts: none may be there twice.
///
/// # Errors
/// Where the weights cannot be read or written.
///
/// # Panics
/// Where a token is there twice, or there are more of them than a token has numbers.
pub fn recite(folder: &Path, words: usize, tokens: &[u32]) -> io::Result<()> {
    let different: BTreeSet<&u32> = tokens.iter().collect();
    assert_eq!(different.len(), tokens.len(), "a token is there twice: {tokens:?}");
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path)?;
    let stored = SafeTensors::deserialize(&bytes).map_err(io::Error::other)?;
    let mut tensors = Vec::new();
    for (name, tensor) in stored.tensors() {
        let recited = recited(&name, tensor.shape(), words, tokens);
        tensors.push(match recited {
            Some((shape, numbers)) => {
                (name, Dtype::F32, shape, numbers.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
            }
            None => (name, tensor.dtype(), tensor.shape().to_vec(), tensor.data().to_vec()),
        });
    }
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            view.map(|view| (name.as_str(), view)).map_err(io::Error::other)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let format = [("format".to_owned(), "pt".to_owned())].into();
    let file = safetensors::serialize(views, Some(format)).map_err(io::Error::other)?;
    std::fs::write(&path, file)
}

/// Shape and numbers of a tensor that is not left as it was.
fn recited(name: &str, shape: &[usize], words: usize, tokens: &[u32]) -> Option<(Vec<usize>, Vec<f32>)> {
    let part = name.strip_prefix("language_model.model.")?;
    // Zeros, and a one at each of these rows and columns.
    let ones = |rows: usize, columns: usize, places: Vec<(usize, usize)>| {
        let mut numbers = vec![0.0_f32; rows * columns];
        for (row, column) in places {
            assert!(row < rows && column < columns, "{name} has no place {row}, {column}");
            numbers[row * columns + column] = 1.0;
        }
        Some((vec![rows, columns], numbers))
    };
    let all = |value: f32| Some((shape.to_vec(), vec![value; shape.iter().product::<usize>()]));
    let steps = 0..tokens.len().saturating_sub(1);
    match part {
        "embed_tokens.weight" => {
            let places = tokens.iter().enumerate().map(|(place, token)| (*token as usize, place)).collect();
            ones(words, shape[1], places)
        }
        "layers.0.mlp.gate_proj.weight" | "layers.0.mlp.up_proj.weight" => {
            ones(shape[0], shape[1], steps.map(|step| (step, step)).collect())
        }
        "layers.0.mlp.down_proj.weight" => ones(shape[0], shape[1], steps.map(|step| (step + 1, step)).collect()),
        "layers.0.post_feedforward_layernorm.weight" => all(LOUD),
        _ if part.ends_with(".post_attention_layernorm.weight")
            || part.ends_with(".post_feedforward_layernorm.weight") =>
        {
            all(SILENT)
        }
        _ => None,
    }
}

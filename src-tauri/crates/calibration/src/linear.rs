//! Small dense symmetric systems.

/// A lower triangular factor L with L Lᵀ the matrix that was factored (Cholesky).
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors a symmetric matrix, given row by row; `None` when it is not positive definite.
    pub fn of(matrix: &[f64], size: usize) -> Option<Cholesky> {
        let mut lower = matrix.to_vec();
        for j in 0..size {
            for i in j..size {
                let done: f64 = (0..j).map(|k| lower[i * size + k] * lower[j * size + k]).sum();
                let rest = lower[i * size + j] - done;
                if i == j {
                    if rest.is_nan() || rest <= 0. {
                        return None;
                    }
                    lower[j * size + j] = rest.sqrt();
                } else {
                    lower[i * size + j] = rest / lower[j * size + j];
                }
            }
        }
        Some(Cholesky { size, lower })
    }

    /// x with A x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut x = self.forward(b);
        for i in (0..n).rev() {
            let done: f64 = (i + 1..n).map(|k| self.lower[k * n + i] * x[k]).sum();
            x[i] = (x[i] - done) / self.lower[i * n + i];
        }
        x
    }

    /// bᵀ A⁻¹ b.
    pub fn quadratic(&self, b: &[f64]) -> f64 {
        self.forward(b).iter().map(|x| x * x).sum()
    }

    /// Natural logarithm of the determinant.
    pub fn log_determinant(&self) -> f64 {
        (0..self.size).map(|i| 2. * self.lower[i * self.size + i].ln()).sum()
    }

    fn forward(&self, b: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut x = b.to_vec();
        for i in 0..n {
            let done: f64 = (0..i).map(|k| self.lower[i * n + k] * x[k]).sum();
            x[i] = (x[i] - done) / self.lower[i * n + i];
        }
        x
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = [4., 2., 0.6, 2., 5., 1., 0.6, 1., 3.];
        let factor = Cholesky::of(&matrix, 3).expect("positive definite");
        let b = [1., -2., 3.];
        let x = factor.solve(&b);
        for row in 0..3 {
            assert!((dot(&matrix[row * 3..row * 3 + 3], &x) - b[row]).abs() < 1e-12);
        }
        assert!((factor.quadratic(&b) - dot(&b, &x)).abs() < 1e-12);
        // 4 (15 - 1) - 2 (6 - 0.6) + 0.6 (2 - 3)
        assert!((factor.log_determinant() - (56f64 - 10.8 - 0.6).ln()).abs() < 1e-12);
        assert!(Cholesky::of(&[1., 2., 2., 1.], 2).is_none());
    }
}

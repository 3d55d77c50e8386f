//! Tables of conditions.

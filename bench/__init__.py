"""What H2O costs, beside what others cost: `script/bench`, docs/performance.md."""

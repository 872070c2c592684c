"""Why a worker is gone, in plain words and on the line of the notebook.

`report` puts together what `record`, `causes` and `backtrace` have found out.
"""

"""Training of networks.

``loop``, ``batches``, ``objective``
    the mini-batch loop and the penalized loss that it minimizes.
``early_stopping``, ``ensemble``
    the number of epochs chosen on a validation split; several networks trained on one task.
``solvers``, ``full_batch``, ``newton``, ``lbfgs``, ``hessian``
    Newton's method and L-BFGS on all samples at once; exact Hessian-vector products.
``trace``, ``gradient_check``, ``blas_threads``
    recorded training for figures; backpropagation against finite differences; BLAS thread limits.
"""

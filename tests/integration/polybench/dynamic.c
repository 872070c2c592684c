// Dynamic programming on a graph.
#include <hotplate.h>
#include <string.h>

// The length of the shortest path between any two nodes, given the lengths of the edges (R. W. Floyd, Comm. ACM 5
// (1962) 345): with node k allowed as a stop, a path either goes through it or is as short as before.
void floyd_warshall(hp_ctx *ctx, int64_t n, const int32_t edges[n][n], int32_t out[n][n]) {
    memcpy(out, edges, (size_t)(n * n) * sizeof(int32_t));
    for (int64_t k = 0; k < n; k++) {
        if (hp_check(ctx)) return;
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j < n; j++) {
                int32_t through = out[i][k] + out[k][j];
                if (through < out[i][j]) out[i][j] = through;
            }
        }
        hp_progress(ctx, k + 1, n);
    }
}

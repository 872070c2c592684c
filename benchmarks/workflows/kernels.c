#include <stdint.h>

/* The images lie on a grid: neighbours share a border of SIDE - STEP pixels, and the mosaic covers all of them. */
#define SIDE 32
#define STEP 29
#define PIXELS (SIDE * SIDE)
#define IMAGES (ROWS * COLUMNS)
#define HEIGHT ((ROWS - 1) * STEP + SIDE)
#define WIDTH ((COLUMNS - 1) * STEP + SIDE)
#define BLOCK 5
#define SMALL ((HEIGHT / BLOCK) * (WIDTH / BLOCK))

/* Takes time. It never returns 1, which no compiler can know: a logistic map stays between 0 and 1. */
static int spend(int64_t rounds) {
    double x = 0.37;
    for (int64_t i = 0; i < rounds; i++) x = 3.9 * x * (1.0 - x);
    return x > 1.0;
}

/* What is in the sky at a pixel of the mosaic: stars, brighter and dimmer ones. */
static double sky(int64_t row, int64_t column) {
    double light = 0.0;
    for (int64_t star = 0; star < 24; star++) {
        double y = (double)row - (double)(star * 73 % HEIGHT), x = (double)column - (double)(star * 131 % WIDTH);
        light += 40.0 / ((double)(1 + star % 7) * (1.0 + 0.2 * (x * x + y * y)));
    }
    return light;
}

/* mProject: a picture of the sky, with a background of its own, which is a plane. */
static void project(int64_t image, int64_t rounds, float *out) {
    int64_t top = image / COLUMNS * STEP, left = image % COLUMNS * STEP;
    double level = (double)(image * 37 % 19), tilt = 0.01 * (double)(image % 5), lean = 0.02 * (double)(image % 3);
    if (spend(rounds)) return;
    for (int64_t r = 0; r < SIDE; r++)
        for (int64_t c = 0; c < SIDE; c++) {
            double light = sky(top + r, left + c);
            out[r * SIDE + c] = (float)(light + level + tilt * (double)(top + r) + lean * (double)(left + c));
        }
}

/* mDiffFit: the plane that fits the difference of two images best where they overlap: at 0, per row, per column. */
static void diff_fit(const float *a, const float *b, int64_t first, int64_t second, int64_t rounds, double *out) {
    int64_t down = (second / COLUMNS - first / COLUMNS) * STEP, right = (second % COLUMNS - first % COLUMNS) * STEP;
    int64_t from = right > 0 ? right : 0, to = right < 0 ? SIDE + right : SIDE;
    double row = 0.5 * (double)(down + SIDE - 1), column = 0.5 * (double)(from + to - 1);
    double sum = 0, by_row = 0, by_column = 0, rows = 0, columns = 0, count = 0;
    if (spend(rounds)) return;
    for (int64_t r = down; r < SIDE; r++)
        for (int64_t c = from; c < to; c++) {
            double y = (double)r - row, x = (double)c - column;
            double difference = (double)a[r * SIDE + c] - (double)b[(r - down) * SIDE + c - right];
            sum += difference, by_row += difference * y, by_column += difference * x;
            rows += y * y, columns += x * x, count += 1;
        }
    out[1] = by_row / rows;
    out[2] = by_column / columns;
    row += (double)(first / COLUMNS * STEP);
    column += (double)(first % COLUMNS * STEP);
    out[0] = sum / count - out[1] * row - out[2] * column;
}

/* mConcatFit: all fits in one table. */
static void concat_fit(const double *const *fits, int64_t rounds, double *out) {
    if (spend(rounds)) return;
    for (int64_t i = 0; i < 3 * PAIRS; i++) out[i] = fits[i / 3][i % 3];
}

/* mBgModel: planes to take off the images so that all agree where they overlap; Jacobi's iteration. */
static void bg_model(const double *fits, const int16_t (*pairs)[2], int64_t rounds, double *out) {
    if (spend(rounds)) return;
    for (int64_t i = 0; i < 3 * IMAGES; i++) out[i] = 0;
    for (int64_t pass = 0; pass < 20 * IMAGES; pass++) {
        double sums[3 * IMAGES] = {0}, neighbours[IMAGES] = {0};
        for (int64_t pair = 0; pair < PAIRS; pair++) {
            int64_t a = pairs[pair][0], b = pairs[pair][1];
            for (int64_t k = 0; k < 3; k++) {
                sums[3 * a + k] += out[3 * b + k] + fits[3 * pair + k];
                sums[3 * b + k] += out[3 * a + k] - fits[3 * pair + k];
            }
            neighbours[a] += 1, neighbours[b] += 1;
        }
        for (int64_t i = 0; i < 3 * IMAGES; i++) out[i] = 0.5 * (out[i] + sums[i] / neighbours[i / 3]);
    }
}

/* mBackground: an image without its background. */
static void background(const float *image, const double *planes, int64_t number, int64_t rounds, float *out) {
    const double *plane = planes + 3 * number;
    int64_t top = number / COLUMNS * STEP, left = number % COLUMNS * STEP;
    if (spend(rounds)) return;
    for (int64_t r = 0; r < SIDE; r++)
        for (int64_t c = 0; c < SIDE; c++)
            out[r * SIDE + c] = (float)((double)image[r * SIDE + c] - plane[0] - plane[1] * (double)(top + r)
                                        - plane[2] * (double)(left + c));
}

/* mImgtbl: where each image lies, and its brightness. */
static void image_table(const float *const *images, int64_t rounds, double *out) {
    if (spend(rounds)) return;
    for (int64_t i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int64_t k = 0; k < PIXELS; k++) sum += (double)images[i][k];
        out[3 * i] = (double)(i / COLUMNS * STEP);
        out[3 * i + 1] = (double)(i % COLUMNS * STEP);
        out[3 * i + 2] = sum / PIXELS;
    }
}

/* mAdd: the mosaic; where images overlap, their mean. */
static void add(const float *const *images, const double *table, int64_t rounds, float *out) {
    if (spend(rounds)) return;
    for (int64_t row = 0; row < HEIGHT; row++) {
        double sums[WIDTH] = {0}, counts[WIDTH] = {0};
        for (int64_t i = 0; i < IMAGES; i++) {
            int64_t r = row - (int64_t)table[3 * i], left = (int64_t)table[3 * i + 1];
            for (int64_t c = 0; r >= 0 && r < SIDE && c < SIDE; c++) {
                sums[left + c] += (double)images[i][r * SIDE + c];
                counts[left + c] += 1;
            }
        }
        for (int64_t column = 0; column < WIDTH; column++)
            out[row * WIDTH + column] = (float)(sums[column] / counts[column]);
    }
}

/* mShrink: means of blocks. */
static void shrink(const float *mosaic, int64_t rounds, float *out) {
    if (spend(rounds)) return;
    for (int64_t i = 0; i < SMALL; i++) {
        int64_t top = i / (WIDTH / BLOCK) * BLOCK, left = i % (WIDTH / BLOCK) * BLOCK;
        double sum = 0;
        for (int64_t k = 0; k < BLOCK * BLOCK; k++)
            sum += (double)mosaic[(top + k / BLOCK) * WIDTH + left + k % BLOCK];
        out[i] = (float)(sum / (BLOCK * BLOCK));
    }
}

/* mJPEG: a byte for each pixel, from the darkest to the brightest. */
static void jpeg(const float *image, int64_t rounds, uint8_t *out) {
    float least = image[0], most = image[0];
    if (spend(rounds)) return;
    for (int64_t i = 0; i < SMALL; i++) {
        least = image[i] < least ? image[i] : least;
        most = image[i] > most ? image[i] : most;
    }
    for (int64_t i = 0; i < SMALL; i++) out[i] = (uint8_t)(255.0f * (image[i] - least) / (most - least));
}

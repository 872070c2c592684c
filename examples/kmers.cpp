// Finding a repeated motif in DNA by counting k-mers, all words of k letters, with the standard library.
//
//     hotplate run examples/kmers.cpp --set k=12
//     hotplate run examples/kmers.cpp --set dna=ACGTACGTTT --set k=4
//
// A word that is more frequent than chance allows marks a repeat, a binding site or an origin of replication.
// Two bits a letter make a word of up to 31 letters one integer; the packed form and the canonical word (the smaller
// of a word and its reverse complement, as both strands of the helix are one molecule) follow G. Marcais, C. Kingsford,
// Bioinformatics 27 (2011) 764-770.
#include <hotplate.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct kmer {
    std::uint64_t code; // two bits a letter, the first letter in the highest
    std::int64_t count;
};

// %% Parameters
std::int64_t k() { return 16; }
std::int64_t letters() { return 200'000; }
std::int64_t copies() { return 40; } // of the motif, hidden in the sequence
std::string motif() { return "TTGACATTCGTCGGATCAGC"; }

// %% Sequence
namespace {

constexpr std::string_view alphabet = "ACGT";

// splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): the i-th number needs no other, so any order gives the same.
std::uint64_t random_bits(std::uint64_t i) {
    std::uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

} // namespace

// Random letters with copies of the motif at even distances.
std::string dna(std::int64_t letters, std::int64_t copies, std::string_view motif) {
    const auto length = static_cast<std::int64_t>(motif.size());
    if (letters < 0 || copies < 0) throw std::invalid_argument("letters and copies can't be negative");
    if (copies * length > letters) {
        throw std::invalid_argument(std::to_string(copies) + " copies of a motif of " + std::to_string(length) +
                                    " letters do not fit into " + std::to_string(letters) +
                                    " letters: lower `copies` or raise `letters`");
    }
    std::string text(static_cast<std::size_t>(letters), ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = alphabet[random_bits(i) >> 62];
    for (std::int64_t c = 0; c < copies; ++c) {
        text.replace(static_cast<std::size_t>(c * (letters / copies)), motif.size(), motif);
    }
    return text;
}

// %% Counting
namespace {

std::uint64_t code_of(char letter) {
    const auto code = alphabet.find(letter);
    if (code == std::string_view::npos) {
        throw std::invalid_argument(std::string("dna holds the letter '") + letter +
                                    "': only A, C, G and T can be counted, so mask or drop the others first");
    }
    return code;
}

std::string word(std::uint64_t code, std::int64_t k) {
    std::string letters(static_cast<std::size_t>(k), ' ');
    for (auto letter = letters.rbegin(); letter != letters.rend(); ++letter, code >>= 2) *letter = alphabet[code & 3];
    return letters;
}

} // namespace

// Every canonical k-mer that occurs more than once, the most frequent first, equal counts by code.
std::vector<kmer> repeats(hp_ctx *ctx, std::string_view dna, std::int64_t k) {
    if (k < 1 || k > 31) {
        throw std::invalid_argument("k is " + std::to_string(k) + ": a word of 1 to 31 letters fits into 62 bits");
    }
    const std::uint64_t mask = (std::uint64_t{1} << (2 * k)) - 1;
    std::unordered_map<std::uint64_t, std::int64_t> counts;
    counts.reserve(dna.size());
    std::uint64_t forward = 0, backward = 0;
    for (std::size_t i = 0; i < dna.size(); ++i) {
        // The complement of code c is 3 - c. The reversed strand grows at its front.
        const std::uint64_t code = code_of(dna[i]);
        forward = ((forward << 2) | code) & mask;
        backward = (backward >> 2) | ((3 - code) << (2 * (k - 1)));
        if (static_cast<std::int64_t>(i) + 1 >= k) ++counts[std::min(forward, backward)];
        if (i % 65'536 == 0) {
            if (hp_check(ctx)) return {};
            hp_progress(ctx, static_cast<std::int64_t>(i), static_cast<std::int64_t>(dna.size()));
        }
    }
    std::vector<kmer> found;
    for (const auto &[code, count] : counts) {
        if (count > 1) found.push_back({code, count});
    }
    // The order of a hash table depends on the library; sorted, the result does not.
    std::ranges::sort(
        found, [](const kmer &a, const kmer &b) { return a.count != b.count ? a.count > b.count : a.code < b.code; });
    return found;
}

// %% Results
std::string most_frequent(hp::in<kmer, "found"> repeats, std::int64_t k) {
    return repeats.size() == 0 ? std::string() : word(repeats[0].code, k);
}

// How many k-mers occur 0, 1, 2, ... times up to the largest count: the spectrum that tells errors, genome and repeats
// apart. What occurs once is not among the repeats, so the first two entries stay 0.
std::vector<std::int64_t> spectrum(hp::in<kmer, "found"> repeats) {
    if (repeats.size() == 0) return {};
    std::vector<std::int64_t> words(static_cast<std::size_t>(repeats[0].count) + 1);
    for (const kmer &repeat : repeats) ++words[static_cast<std::size_t>(repeat.count)];
    return words;
}

// The expected count of one given canonical word in random letters: twice for the two strands.
double expected(std::string_view dna, std::int64_t k) {
    const auto places = static_cast<double>(dna.size()) - static_cast<double>(k) + 1;
    return std::max(0.0, 2 * places / std::pow(4.0, static_cast<double>(k)));
}

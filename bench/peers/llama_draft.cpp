// Times the steps of a draft in llama.cpp, one process, one load: text prompt, decoding, image, whole draft.
//
//     llama_draft MODEL.gguf MMPROJ.gguf THREADS IDS_FILE SIDE DECODED DRAFTED
//
// IDS_FILE has three lines of token ids: a prompt of words, and what stands before and after the image in the prompt of the
// draft. Prints one line of JSON. Settings are llama.cpp's own defaults but for the threads and a window that just fits;
// the end token is taken for an ordinary one, so that the answers have their full length.
#include "ggml-backend.h"
#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] static void fail(const char * what) {
    fprintf(stderr, "llama_draft: %s failed\n", what);
    exit(1);
}

static void quiet(ggml_log_level level, const char * text, void *) {
    if (level >= GGML_LOG_LEVEL_WARN) {
        fputs(text, stderr);
    }
}

static void read(llama_context * context, std::vector<llama_token> & tokens) {
    if (llama_decode(context, llama_batch_get_one(tokens.data(), (int32_t) tokens.size())) != 0) {
        fail("llama_decode");
    }
}

// Samples the first token, then writes `steps` more.
static double write(llama_context * context, llama_sampler * sampler, int steps, double & first) {
    llama_token token = llama_sampler_sample(sampler, context, -1);
    first = now();
    for (int i = 0; i < steps; i++) {
        std::vector<llama_token> one = { token };
        read(context, one);
        token = llama_sampler_sample(sampler, context, -1);
    }
    return now() - first;
}

int main(int count, char ** words) {
    if (count != 8) {
        fprintf(stderr, "usage: llama_draft MODEL MMPROJ THREADS IDS_FILE SIDE DECODED DRAFTED\n");
        return 2;
    }
    const int threads = atoi(words[3]), side = atoi(words[5]), decoded = atoi(words[6]), drafted = atoi(words[7]);
    std::vector<std::vector<llama_token>> ids;
    std::ifstream file(words[4]);
    for (std::string line; std::getline(file, line);) {
        std::istringstream numbers(line);
        ids.emplace_back();
        for (llama_token id; numbers >> id;) {
            ids.back().push_back(id);
        }
    }
    if (ids.size() != 3) {
        fail("reading the token ids");
    }
    llama_log_set(quiet, nullptr);
    mtmd_log_set(quiet, nullptr);
    mtmd_helper_log_set(quiet, nullptr);

    double begun = now();
    ggml_backend_load_all();
    llama_backend_init();
    llama_model * model = llama_model_load_from_file(words[1], llama_model_default_params());
    if (model == nullptr) {
        fail("loading the model");
    }
    llama_context_params wanted = llama_context_default_params();
    wanted.n_ctx = 1024;
    wanted.n_threads = wanted.n_threads_batch = threads;
    llama_context * context = llama_init_from_model(model, wanted);
    if (context == nullptr) {
        fail("making the context");
    }
    mtmd_context_params seeing = mtmd_context_params_default();
    seeing.n_threads = threads;
    seeing.print_timings = false;
    mtmd_context * vision = mtmd_init_from_file(words[2], model, seeing);
    if (vision == nullptr) {
        fail("loading the image tower");
    }
    const double load = now() - begun;
    llama_sampler * sampler = llama_sampler_init_greedy();

    double first = 0, prompt = 0, decode = 0;
    for (int turn = 0; turn < 2; turn++) {
        begun = now();
        read(context, ids[0]);
        const double seconds = write(context, sampler, turn == 0 ? decoded : 0, first);
        prompt = turn == 0 ? first - begun : std::min(prompt, first - begun);
        decode = turn == 0 ? seconds : decode;
        llama_memory_clear(llama_get_memory(context), true);
    }

    std::vector<unsigned char> pixels((size_t) side * side * 3);
    for (size_t i = 0; i < (size_t) side * side; i++) {
        const size_t x = i % side, y = i / side;
        const uint32_t noise = (uint32_t) i * 2654435761u >> 27;
        pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = (unsigned char) ((x * 96 + y * 96) / side + noise);
    }
    begun = now();
    mtmd_bitmap * bitmap = mtmd_bitmap_init(side, side, pixels.data());
    const std::string marker = mtmd_default_marker();
    mtmd_input_text text = { marker.data(), marker.size(), false, true };
    mtmd_input_chunks * chunks = mtmd_input_chunks_init();
    const mtmd_bitmap * bitmaps[] = { bitmap };
    if (mtmd_tokenize(vision, chunks, &text, bitmaps, 1) != 0) {
        fail("preparing the image");
    }
    // The tokens around an image are in the ids already; of the chunks only the image is used.
    const mtmd_input_chunk * image = nullptr;
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
        if (mtmd_input_chunk_get_type(mtmd_input_chunks_get(chunks, i)) == MTMD_INPUT_CHUNK_TYPE_IMAGE) {
            image = mtmd_input_chunks_get(chunks, i);
        }
    }
    if (image == nullptr) {
        fail("finding the image among the chunks");
    }
    read(context, ids[1]);
    const double looking = now();
    if (mtmd_encode_chunk(vision, image) != 0) {
        fail("encoding the image");
    }
    const double encode = now() - looking;
    llama_pos past = 0;
    if (mtmd_helper_decode_image_chunk(vision, context, image, mtmd_get_output_embd(vision), (llama_pos) ids[1].size(), 0,
                                       (int32_t) llama_n_batch(context), &past, nullptr, nullptr) != 0) {
        fail("reading the encoded image");
    }
    read(context, ids[2]);
    const double answer = write(context, sampler, drafted - 1, first);
    const double whole = first - begun + answer;

    printf("{\"load_seconds\": %.4f, \"encode_seconds\": %.4f, \"prompt_seconds\": %.4f, \"prompt_tokens\": %zu, "
           "\"decode_tokens_per_second\": %.4f, \"draft_seconds\": %.4f, \"draft_first_token_seconds\": %.4f, "
           "\"draft_prompt_tokens\": %d, \"draft_tokens\": %d, \"features\": \"%s\"}\n",
           load, encode, prompt, ids[0].size(), decoded / decode, whole, first - begun,
           (int) past + (int) ids[2].size(), drafted, llama_print_system_info());
    return 0;
}


// The mutant of the cores that are made from now on; 0 is the sound core.
namespace {
uint32_t selected = 0;
}
extern "C" unsigned int mutant_selected() { return selected; }
API void core_select(uint32_t mutant) { selected = mutant; }

/* A program that awaits two packs, in the words of the macro's assembly, and says what it finds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD(name, digest, parts)                                                                       \
    asm(".pushsection .modeldeploy-places,\"aG\",%progbits," name ",comdat\n.weak " name "\n.hidden " name \
        "\n.type " name ", %object\n.balign 8\n" name ":\n.ascii \"MDPARTS\\n\"\n" parts                   \
        ".quad 0\n.quad 0\n.fill 32, 1, " digest "\n"                                                      \
        ".pushsection .note.modeldeploy,\"aG\",%note," name ",comdat\n.balign 8\n.long 12, 32, 0x6d64\n"        \
        ".asciz \"modeldeploy\"\n.fill 32, 1, " digest "\n.popsection\n.popsection\n")

RECORD("first", "1", ".quad 2\n.quad 0\n.quad " FIRST_A "\n.quad 0\n.quad " FIRST_B "\n");
RECORD("second", "2", ".quad 1\n.quad 0\n.quad " SECOND "\n");

extern const unsigned char first[], second[];

static char zeros[3 << 20];
static char set[4] = "set";
static _Thread_local int local = 7;

static void say(const unsigned char *record) {
    uint64_t count;
    memcpy(&count, record + 8, 8);
    for (uint64_t i = 0; i < count; i++) {
        const unsigned char *slot = record + 16 + 16 * i;
        int64_t distance;
        uint64_t size, sum = 0;
        memcpy(&distance, slot, 8);
        memcpy(&size, slot + 8, 8);
        if (distance == 0) {
            puts("nothing");
            continue;
        }
        const unsigned char *part = slot + distance;
        for (uint64_t at = 0; at < size; at++) sum = sum * 31 + part[at];
        printf("%d %llu %llu\n", (int)((uintptr_t)part % 4096), (unsigned long long)size, (unsigned long long)sum);
    }
}

int main(void) {
    say(first);
    say(second);
    for (size_t at = 0; at < sizeof zeros; at++) {
        if (zeros[at]) return 1;
        zeros[at] = 1;
    }
    char *heap = malloc(100);
    strcpy(heap, set);
    printf("%s %d\n", heap, local);
    return 0;
}

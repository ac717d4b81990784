/* ops.c - the list of operators for programs that show it. */
#include <pthread.h>
#include <string.h>

#include "op/impl.h"

#include <ocellus.h>

static const char *const what[] = {
#define OP(name, text) text,
#include "op/ops.def"
#undef OP
};

/* The names of each operator's implementations in one text, made once. */
static char implementations[OC_COUNT(what)][96];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
join(void)
{
    for (size_t k = 0; k < OC_COUNT(what); k++) {
        const struct oc_impl *impl = oc_op_at((int)k)->impls;
        char *text = implementations[k];
        size_t room = sizeof(implementations[k]);
        for (; impl != NULL && impl->name != NULL; impl++) {
            size_t used = strlen(text);
            if (used + strlen(impl->name) + 2 > room)
                break;
            if (used > 0)
                text[used++] = ' ';
            strcpy(text + used, impl->name);
        }
    }
}

int
ocellus_op_count(void)
{
    return (int)OC_COUNT(what);
}

int
ocellus_op_get_info(int k, ocellus_op_info *info)
{
    const struct oc_op *op = oc_op_at(k);
    if (op == NULL)
        return 0;
    pthread_once(&once, join);
    *info = (ocellus_op_info){
        .name = op->name,
        .what = what[k],
        .implementations = implementations[k],
        .has_gradient = op->grad != NULL,
        .internal = (op->flags & OC_OP_INTERNAL) != 0,
    };
    return 1;
}

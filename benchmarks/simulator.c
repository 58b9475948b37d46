/* The floor of the simulator's benchmark: the same model as a plain loop.

   Requests arrive at random (Poisson), run for exponential times, in the environment that was used
   last or in a new one; environments that wait too long go; beyond the limit requests are refused.
   What happens to each is written down, as the simulator does it.

   simulator RATE MEAN INIT IDLE LIMIT REQUESTS: prints seconds of processor time, cold starts and
   refusals. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct { double end; int environment; } Busy;

static uint64_t random_state = 88172645463325252ull;

static double exponential(double mean) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return -mean * log(1.0 - (random_state >> 11) * 0x1p-53);
}

static void push(Busy *heap, int count, Busy new) {
    int place = count;
    while (place && heap[(place - 1) / 2].end > new.end) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = new;
}

static void pop(Busy *heap, int count) {
    Busy last = heap[count - 1];
    int place = 0;
    for (;;) {
        int child = 2 * place + 1;
        if (child >= count - 1) break;
        if (child + 1 < count - 1 && heap[child + 1].end < heap[child].end) child++;
        if (last.end <= heap[child].end) break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = last;
}

int main(int count, char **words) {
    if (count != 7) return 2;
    double rate = atof(words[1]), mean = atof(words[2]), init = atof(words[3]);
    double idle = atof(words[4]);
    int limit = atoi(words[5]);
    long requests = atol(words[6]);

    clock_t began = clock();
    double *arrival = malloc(requests * sizeof *arrival), *start = malloc(requests * sizeof *start);
    double *end = malloc(requests * sizeof *end);
    int *environment = malloc(requests * sizeof *environment);
    char *decision = malloc(requests);
    Busy *busy = malloc((limit + 1) * sizeof *busy);
    Busy *waiting = malloc((limit + 1) * sizeof *waiting);
    int running = 0, idling = 0, made = 0;
    long cold = 0, refused = 0;
    double now = 0;

    for (long i = 0; i < requests; i++) {
        now += exponential(1 / rate);
        arrival[i] = now;
        while (running && busy[0].end <= now) {
            waiting[idling++] = busy[0];
            pop(busy, running--);
        }
        while (idling && waiting[idling - 1].end + idle <= now) idling--;
        if (running == limit) {
            start[i] = end[i] = now;
            environment[i] = -1;
            decision[i] = 3;
            refused++;
            continue;
        }
        start[i] = now;
        if (idling) {
            environment[i] = waiting[--idling].environment;
            decision[i] = 1;
        } else {
            environment[i] = made++;
            decision[i] = 2;
            start[i] += init;
            cold++;
        }
        end[i] = start[i] + exponential(mean);
        push(busy, running++, (Busy){end[i], environment[i]});
    }
    printf("%.9f %ld %ld\n", (double)(clock() - began) / CLOCKS_PER_SEC, cold, refused);
    return 0;
}

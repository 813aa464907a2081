/* Lets fdatasync take as many microseconds, at least, as the file named by SLOW_DISK says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile const long *wanted_us(void)
{
    static volatile const long *shared = NULL;
    if (shared == NULL) {
        const char *path = getenv("SLOW_DISK");
        int file = path ? open(path, O_RDONLY) : -1;
        void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0)
            close(file);
        if (page == MAP_FAILED)
            return NULL;
        shared = page;
    }
    return shared;
}

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

int fdatasync(int file)
{
    static int (*real)(int) = NULL;
    volatile const long *wanted = wanted_us();
    long begun = now_us(), left;
    int answer;
    if (real == NULL)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    answer = real(file);
    left = wanted ? *wanted - (now_us() - begun) : 0;
    if (left > 0) {
        struct timespec pause = {left / 1000000, left % 1000000 * 1000};
        nanosleep(&pause, NULL);
    }
    return answer;
}

/*
 * Runs a fuzz target over saved inputs: each argument is a file, or a folder
 * whose files are taken.  What fuzzers found once is tested for ever.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX	(64u << 20)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t	inputs;

static void
run_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL || fstat(fileno(f), &st) == -1)
		err(1, "%s", path);
	if (st.st_size > INPUT_MAX)
		errx(1, "%s: too large", path);
	/* Exactly as large as the input, so that a read beyond it is seen. */
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	if (data == NULL ||
	    fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		err(1, "%s", path);
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
	free(data);
	inputs++;
}

static void
run_folder(const char *path)
{
	struct dirent **list;
	char file[4096];
	int n;

	if ((n = scandir(path, &list, NULL, alphasort)) == -1)
		err(1, "%s", path);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path,
			    list[i]->d_name);
			run_file(file);
		}
		free(list[i]);
	}
	free(list);
}

int
main(int argc, char *argv[])
{
	struct stat st;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == -1)
			err(1, "%s", argv[i]);
		if (S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	printf("%zu inputs\n", inputs);
	return inputs > 0 || argc == 1 ? 0 : 1;
}

/* The bounce runner: requests that come in pieces, large ones, and messages that are not there.
 * LINK: queue/queue_bounce.c */
#include "queue/queue_bounce.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "log.h"
#include "queue/queue_run.h"
#include "test.h"

#define NAME	"1795000000.0123456789abcdef.mx.example.test,S=1,W=1"
#define LARGE	16777216	/* lines of two bytes */
#define CPU	20		/* seconds: a hundred times what one look at each takes */

static char	dir[] = "/tmp/posthouse_unit.XXXXXX";

/* Of queue: here the directories are one, and empty. */
int
dirs_open(struct dirs *d, const char *spool)
{
	memset(d, 0, sizeof(*d));
	d->new = d->cur = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->new == -1 ? -1 : 0;
}

/* Who writes the requests: each byte apart, or one large one. */
static pid_t
writer(const int in[2], bool large)
{
	static const char small[] = "1\t" NAME "\tnew\tfail\nline\n.\n"
	    ".\n.\n2\t" NAME "\tcur\tdelay\n.\n3\tno name\tnew\tfail\n..\n.\n";
	static const char head[] = "4\t" NAME "\tnew\tfail\n";
	const int fd = in[1];
	pid_t pid = fork();
	char *text;

	if (pid != 0)
		return pid;
	close(in[0]);	/* or nobody would tell it that its reader has died */
	for (size_t i = 0; !large && i + 1 < sizeof(small); i++)
		if (file_write_all(fd, small + i, 1) == -1)
			_exit(1);
	if (!large)
		_exit(0);
	if ((text = malloc(2 * (size_t)LARGE)) == NULL)
		_exit(1);
	for (size_t i = 0; i < LARGE; i++)
		memcpy(text + 2 * i, "x\n", 2);
	_exit(file_write_all(fd, head, sizeof(head) - 1) == -1 ||
	    file_write_all(fd, text, 2 * (size_t)LARGE) == -1 ||
	    file_write_all(fd, ".\n", 2) == -1);
}

/* What is answered, and what is logged. */
static void
serve(bool large, struct buf *answers, struct buf *log)
{
	struct control c = { .hostname = "mx.example.test" };
	const struct rlimit cpu = { CPU, CPU };
	int in[2], out[2], err[2], status = -1;
	pid_t w, s;

	if (pipe(in) == -1 || pipe(out) == -1 || pipe(err) == -1)
		errx(1, "pipe");
	fflush(stdout);
	w = writer(in, large);
	if ((s = fork()) == 0) {
		close(in[1]);
		dup2(err[1], 2);
		log_init("queue", false, false);
		strlcpy(c.set.spool, dir, sizeof(c.set.spool));
		_exit(setrlimit(RLIMIT_CPU, &cpu) == -1 ||
		    bounce_serve(&c, "/nonexistent/bounce", in[0], out[1]) != 0);
	}
	close(in[0]);
	close(in[1]);
	close(out[1]);
	close(err[1]);
	buf_init(answers, 65536);
	buf_init(log, 65536);
	CHECK(file_read_all(out[0], answers) == 0, "answers");
	CHECK(file_read_all(err[0], log) == 0, "log");
	CHECK(waitpid(s, &status, 0) == s && status == 0, "it ends with its input");
	CHECK(waitpid(w, &status, 0) == w && status == 0, "it has read all");
	close(out[0]);
	close(err[0]);
}

static size_t
count(const struct buf *b, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (size_t i = 0; i + len <= b->len; i++)
		n += memcmp(b->p + i, what, len) == 0;
	return n;
}

static void
test_pieces(void)
{
	struct buf answers, log;

	serve(false, &answers, &log);
	CHECK_SPAN(buf_span(&answers), "1 defer 4.3.0 bounce\n"
	    ". defer 4.3.0 bounce\n"
	    "2 defer 4.3.0 bounce\n3 defer 4.3.0 bounce\n", "each request");
	CHECK(count(&log, "errno=ENOENT text=cannot open " NAME
	    " for its report") == 2, "a message that is not there is called so");
	CHECK(count(&log, "cannot open no name for its report") == 1,
	    "and a name that is none");
	CHECK(count(&log, "cannot run") == 0, "nothing was to be run");
	buf_free(&answers);
	buf_free(&log);
	test_end("requests in pieces, and messages that are not there");
}

static void
test_large(void)
{
	struct buf answers, log;

	serve(true, &answers, &log);
	CHECK_SPAN(buf_span(&answers), "4 defer 4.3.0 bounce\n", "answered");
	buf_free(&answers);
	buf_free(&log);
	test_end("a large request is looked through once");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	test_pieces();
	test_large();
	rmdir(dir);
	return test_done();
}

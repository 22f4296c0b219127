/*
 * What became of a recipient, for the log: the same line from both deliverers.
 */
#include "result.h"

#include "clock.h"
#include "log.h"

void
result_log(const struct spool_name *name, const char *rcpt, const char *relay,
    const char *tls, enum proc_class class, const char *dsn, const char *text)
{
	static const char *const status[] = {
		[PROC_DONE] = "sent", [PROC_FAIL] = "bounced",
		[PROC_DEFER] = "deferred"
	};
	time_t now = clock_now();
	struct log l;

	log_begin(&l, "result");
	log_span(&l, "qid", span_of(name->text, name->qid_len));
	log_addr(&l, "rcpt", span_str(rcpt));
	log_str(&l, "relay", relay);
	log_str(&l, "tls", tls[0] == '\0' ? NULL : tls);
	log_str(&l, "status", status[class]);
	log_str(&l, "dsn", dsn);
	log_num(&l, "delay", now > name->arrival ?
	    (uint64_t)(now - name->arrival) : 0);
	log_textspan(&l, span_str(text));
	log_end(&l);
}

/*
 * posthouse check, certificates: that the servers will take them, and what a
 * client will think of them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "tls_check.h"

static void
check_pair(struct admin_check *k, const char *cert, const char *key,
    const char *dir)
{
	const struct control *c = &k->control;
	const char *host = strcmp(dir, "tls") == 0 ? c->hostname :
	    strchr(dir, '/') + 1;
	char cert_path[600], key_path[600];
	struct tls_verdict v;

	snprintf(cert_path, sizeof(cert_path), "%s/%s", c->dir, cert);
	snprintf(key_path, sizeof(key_path), "%s/%s", c->dir, key);
	tls_check(cert_path, key_path, host, clock_now(), &v);
	if (v.cert[0] != '\0')
		check_error(k, cert, 0, "%s", v.cert);
	if (v.key[0] != '\0')
		check_error(k, key, 0, "%s", v.key);
	if (v.time[0] != '\0')
		check_warning(k, cert, 0, "%s", v.time);
	if (v.name[0] != '\0')
		check_warning(k, cert, 0, "%s", v.name);
}

/* tls/key.pem and tls/HOST/key.pem, beside each cert.pem. */
static void
check_tls_dir(struct admin_check *k, const char *dir)
{
	char cert[300], key[300];
	int fd = k->control.dirfd;

	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	if (faccessat(fd, cert, F_OK, 0) == -1) {
		if (faccessat(fd, key, F_OK, 0) == 0)
			check_warning(k, key, 0, "there is no certificate beside "
			    "this key; write it to %s", cert);
		return;
	}
	if (faccessat(fd, key, F_OK, 0) == -1) {
		check_error(k, cert, 0, "there is no key beside this certificate; "
		    "write it to %s", key);
		return;
	}
	check_secret(k, key, "it is a private key");
	check_pair(k, cert, key, dir);
}

void
check_tls(struct admin_check *k)
{
	struct dirent *e;
	char sub[280];
	DIR *d;
	int fd;

	check_tls_dir(k, "tls");
	if (faccessat(k->control.dirfd, "tls/cert.pem", F_OK, 0) == -1)
		check_warning(k, "tls/cert.pem", 0, "there is none, so no service "
		    "offers TLS; write the certificate chain there and its key "
		    "to tls/key.pem");
	fd = openat(k->control.dirfd, "tls", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (d = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strchr(e->d_name, '.') == NULL ||
		    strstr(e->d_name, ".pem") != NULL)
			continue;
		snprintf(sub, sizeof(sub), "tls/%s", e->d_name);
		check_tls_dir(k, sub);
	}
	closedir(d);
}

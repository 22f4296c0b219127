// imapflow.js MODULES PORT CA USER PASSWORD: a whole IMAP session as the JavaScript library imapflow speaks it; throws when the
// server does not do what the library and the test expect.
'use strict';

const [modules, port, ca, user, pass] = process.argv.slice(2);
const assert = require('assert');
const fs = require('fs');
const { ImapFlow } = require(modules + '/imapflow');

const account = () => new ImapFlow({
	host: 'localhost', port: Number(port), secure: true, tls: { ca: fs.readFileSync(ca) },
	auth: { user, pass }, logger: false, qresync: true,
	connectionTimeout: 200000, greetingTimeout: 200000,
});

const message = (n, extra = '') => [
	'From: "Bob B." <bob@example.org>', 'To: alice@example.test', `Subject: number ${n}`, `Message-ID: <${n}@example.org>`,
	'Date: Sun, 22 Nov 2026 00:00:00 +0000', 'MIME-Version: 1.0', extra || 'Content-Type: text/plain; charset=utf-8', '',
	extra ? '--b\r\nContent-Type: text/plain\r\n\r\nthe text\r\n--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n' +
	    'Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\naGVsbG8=\r\n--b--' :
	    `body of ${n}: gr\u00fc\u00dfe`, ''].join('\r\n');

async function collect(stream) {
	const parts = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts).toString();
}

async function folders(client) {
	for (const path of ['Sent', 'Archive']) await client.mailboxCreate(path).catch(() => {});
	assert.strictEqual((await client.mailboxCreate(['Work', 'Gr\u00fcn'])).created, true);
	assert.strictEqual((await client.mailboxCreate('Work/Gr\u00fcn')).created, false);
	await client.mailboxSubscribe('Work/Gr\u00fcn');
	const list = await client.list({ statusQuery: { messages: true, uidNext: true } });
	const found = list.find((f) => f.path === 'Work/Gr\u00fcn');
	assert.ok(found && found.subscribed && found.status.messages === 0);
	assert.ok(list.some((f) => f.specialUse === '\\Sent'));
	await client.mailboxRename('Work/Gr\u00fcn', 'Work/Blau');
	assert.ok((await client.list()).some((f) => f.path === 'Work/Blau'));
	await client.mailboxDelete('Work/Blau');
	assert.ok(!(await client.list()).some((f) => f.path === 'Work/Blau'));
}

async function messages(client) {
	for (let n = 1; n <= 3; n++) {
		const r = await client.append('INBOX', message(n), n === 1 ? ['\\Seen', '$Label1'] : [], new Date('2026-01-02T03:04:05Z'));
		assert.strictEqual(r.uid, n);
	}
	await client.append('INBOX', message(4, 'Content-Type: multipart/mixed; boundary=b'));
	const box = await client.mailboxOpen('INBOX');
	assert.strictEqual(box.exists, 4);
	assert.ok(box.highestModseq > 0n);
	const all = await client.fetchAll('1:*', { envelope: true, bodyStructure: true, flags: true, internalDate: true, size: true, uid: true, headers: ['subject'], threadId: true });
	assert.deepStrictEqual(all.map((m) => m.envelope.subject), ['number 1', 'number 2', 'number 3', 'number 4']);
	assert.strictEqual(all[0].envelope.from[0].name, 'Bob B.');
	assert.ok(all[0].flags.has('\\Seen') && all[0].flags.has('$Label1') && !all[1].flags.has('\\Seen'));
	assert.strictEqual(all[0].internalDate.toISOString(), '2026-01-02T03:04:05.000Z');
	assert.ok(all[0].emailId && /^T/.test(all[0].threadId));
	assert.strictEqual(all[3].bodyStructure.childNodes[1].dispositionParameters.filename, 'a.pdf');
	assert.strictEqual(await collect((await client.download('4', '2')).content), 'hello');
	const source = (await client.fetchOne('2', { source: true })).source;
	assert.ok(source.toString().includes('body of 2: gr\u00fc\u00dfe'));
	assert.deepStrictEqual(await client.search({ subject: 'number 3' }), [3]);
	assert.deepStrictEqual(await client.search({ body: 'GR\u00dc\u00dfE' }), [1, 2, 3]);
	assert.deepStrictEqual(await client.search({ or: [{ seen: true }, { from: 'nobody' }], not: { deleted: true } }), [1]);
}

async function changes(client, other) {
	const before = client.mailbox.highestModseq;
	await other.mailboxOpen('INBOX');
	const told = new Promise((resolve) => other.once('flags', resolve));
	const idle = other.idle();
	assert.ok(await client.messageFlagsAdd('2', ['\\Flagged', 'Kw']));
	assert.ok((await told).flags.has('\\Flagged'));
	const came = new Promise((resolve) => other.once('exists', resolve));
	await client.append('INBOX', message(5));
	assert.strictEqual((await came).count, 5);
	await client.noop();
	const since = await client.fetchAll('1:*', { uid: true, flags: true }, { changedSince: before });
	assert.deepStrictEqual(since.map((m) => m.uid), [2, 5]);
	const copied = await client.messageCopy('1:2', 'Archive');
	assert.deepStrictEqual([...copied.uidMap.keys()], [1, 2]);
	const moved = await client.messageMove('3', 'Archive');
	assert.strictEqual(moved.uidMap.get(3), 3);
	const gone = new Promise((resolve) => other.once('expunge', resolve));
	assert.ok(await client.messageDelete('1'));
	await gone;
	const archive = await client.status('Archive', { messages: true, unseen: true, highestModseq: true });
	assert.deepStrictEqual([archive.messages, archive.unseen], [3, 2]);
	await other.noop();
	await idle.catch(() => {});
}

(async () => {
	const client = account(), other = account();
	await client.connect();
	await other.connect();
	assert.ok(client.capabilities.has('IMAP4rev1') && client.enabled.has('QRESYNC'));
	await folders(client);
	await messages(client);
	await changes(client, other);
	await client.logout();
	await other.logout();
	console.log('all of it');
})().catch((e) => {
	console.error(e.stack, e.response, e.responseText);
	process.exit(1);
});

/** Certificates for tests of TLS, made with the program `openssl`; without it these tests are skipped. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary.ts';

export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

export interface Certificate {
  /** PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  /** PEM file of the authority's own certificate. */
  readonly ca: string;
  /** For 127.0.0.1, by this authority. */
  issue(name: string): Certificate;
}

export function makeAuthority(): Authority {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const openssl = (...command: string[]): void => void execFileSync('openssl', command, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const [ca, caKey, extensions] = [at('ca.pem'), at('ca.key'), at('extensions')];
  openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', ca, '-subj', '/CN=authority', '-days', '2');
  writeFileSync(extensions, 'subjectAltName = IP:127.0.0.1');
  return {
    ca,
    issue(name) {
      const [certificate, key, request] = [at(`${name}.pem`), at(`${name}.key`), at(`${name}.csr`)];
      openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
      const by = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', extensions];
      openssl('x509', '-req', '-in', request, '-out', certificate, ...by);
      return { certificate, key };
    },
  };
}

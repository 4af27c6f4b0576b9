import admin from './admin.json';
import ask from './ask.json';
import common from './common.json';
import documents from './documents.json';
import faqs from './faqs.json';
import home from './home.json';
import impact from './impact.json';
import labels from './labels.json';
import learning from './learning.json';
import quality from './quality.json';
import upload from './upload.json';

export default { admin, ask, common, documents, faqs, home, impact, labels, learning, quality, upload };
